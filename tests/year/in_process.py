"""The site of one command in this process: the product's own site on the lab's world, without sockets or programs.

The product's own code interprets the answers of filer and programs; only the network is left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from snapall.backup.model import FilerSnapshot, Job, Survey, VmSnapshot
from snapall.backup.steps import Child, Outcome, Step
from snapall.config.settings import Config, Filer
from snapall.lab.filershell import Ending, FilerShell
from snapall.lab.vcbsnapshot import begin
from snapall.lab.world import World
from snapall.site import OpenSite
from snapall.site.filer import FilerReply, NoAnswer, NotSent, sendable
from snapall.site.process import Completed
from tests.years.turns import HostClock, Turns

KILLED = 137  # how a process that was killed is reported


@dataclass
class Interruptions:
    """What interrupts a command, each at the nth time that it touches the world; 0: never."""

    killed_at: int = 0
    stopped_at: int = 0
    clock_set_at: int = 0
    clock_set_by: float = 0.0
    touches: int = field(default=0, init=False)
    stopped: bool = field(default=False, init=False)


class RunningWorld:
    """The world while a command runs: its time follows the turns, and it is interrupted here."""

    def __init__(self, world: World, turns: Turns, clock: HostClock, interruptions: Interruptions) -> None:
        self.world = world
        self.turns = turns
        self.clock = clock
        self.interruptions = interruptions
        self.programs = world.directory / "programs"  # when each program ends, by its number
        self.programs.mkdir(exist_ok=True)
        self.started = len(list(self.programs.iterdir()))
        self._caught_up_at = -1.0

    def touch(self) -> None:
        """Bring the world's time up to the command's; then a kill, a signal or a set clock may come."""
        self.catch_up()
        interruptions = self.interruptions
        interruptions.touches += 1
        if interruptions.touches == interruptions.killed_at:
            # Nothing is cleaned up and no thread goes on, as after SIGKILL; what the world was asked for goes on.
            os._exit(KILLED)
        interruptions.stopped = interruptions.stopped or interruptions.touches == interruptions.stopped_at
        if interruptions.touches == interruptions.clock_set_at:
            self.clock.ahead += interruptions.clock_set_by

    def catch_up(self) -> None:
        if self._caught_up_at != self.turns.now:
            self._caught_up_at = self.turns.now
            self.world.set(clock=self.turns.now)
            self.world.catch_up()

    def within(self, seconds: float, deadline: float) -> bool:
        """Let time pass, but not beyond the deadline; answers whether that was all of it."""
        self.turns.pause(max(0.0, min(seconds, deadline - self.turns.now)))
        self.catch_up()
        return self.turns.now < deadline


class FilerConnection:
    """The connection to the lab's filer, with the endings that ssh and rsh give it."""

    def __init__(self, settings: Filer, running_world: RunningWorld) -> None:
        self._settings = settings
        self._running_world = running_world
        self._shell = FilerShell(running_world.world)

    def command_line(self, command: str) -> str:
        return f"{self._settings.transport} {self._settings.host} {command}"

    def preconnect(self) -> None:
        """There is nothing to open."""

    def run(self, command: str) -> FilerReply:
        sendable(command)
        # A filer that hangs up on rsh has the command already; ssh tells whether it was taken.
        unsent = NoAnswer if self._settings.transport == "rsh" else NotSent
        deadline = self._running_world.turns.now + self._settings.timeout
        self._running_world.catch_up()
        greeting = self._shell.login(self._settings.transport)
        if not self._running_world.within(greeting.wait, deadline) or greeting.ending is not Ending.ANSWER:
            raise unsent("the filer hung up before it took the command", "see the filer")
        reply = self._shell.answer(command, self._settings.transport, "snapall")
        if reply.ending is Ending.REFUSE:
            raise unsent("the filer hung up", "see the filer")
        answered = self._running_world.within(reply.wait, deadline)
        if not answered or (reply.ending is Ending.DROP and self._settings.transport == "ssh"):
            raise NoAnswer("the filer gave no whole answer", "look with `snap list`")
        return FilerReply(reply.stdout, reply.stderr)


class LabPrograms:
    """vcbsnapshot, called instead of started. It outlives snapall: when it ends is kept in a file."""

    def __init__(self, running_world: RunningWorld) -> None:
        self._running_world = running_world

    def run(self, argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> Completed:
        running_world, began = self._running_world, self._running_world.turns.now
        begun = begin(running_world.world, argv[1:])
        running_world.started += 1
        child = Child(1000 + running_world.started, began)
        (running_world.programs / str(child.pid)).write_text(str(began + begun.wait))
        on_start(child)
        running_world.touch()
        if not running_world.within(begun.wait, began + timeout):
            return Completed(tuple(argv), None, "", "", timeout)
        end = begun.end(running_world.world)
        return Completed(tuple(argv), end.exit, end.stdout, end.stderr, running_world.turns.now - began)

    def alive(self, child: Child) -> bool:
        ends = self._running_world.programs / str(child.pid)
        return ends.exists() and self._running_world.turns.now < float(ends.read_text())


class CommandSite:
    """The job's site; each call touches the world before and after it."""

    def __init__(self, job: Job, settings: Config, running_world: RunningWorld) -> None:
        programs = LabPrograms(running_world)
        self._site = OpenSite(job, settings, lambda filer: FilerConnection(filer, running_world), programs)
        self._running_world = running_world
        self.vcenter = self._site.vcenter
        self.filer = self._site.filer

    def survey(self) -> Survey:
        self._running_world.touch()
        return self._site.survey()

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        self._running_world.touch()
        outcome = self._site.perform(step, on_start)
        self._running_world.touch()
        return outcome

    def preconnect(self) -> None:
        """There is nothing to open."""

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        self._running_world.touch()
        rows = self._site.listing(volume)
        self._running_world.touch()
        return rows

    def vm_snapshots(self, vms: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        self._running_world.touch()
        return self._site.vm_snapshots(vms, ssids)

    def registered(self, vms: Sequence[int]) -> Mapping[int, str | None]:
        self._running_world.touch()
        return self._site.registered(vms)

    def command(self, step: Step) -> str:
        return self._site.command(step)

    def alive(self, child: Child) -> bool:
        return self._site.alive(child)

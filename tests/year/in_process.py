"""The site of one command in this process: the product's own site over the lab's world, without sockets or programs.

What a filer's or a program's answer means is judged by the product's own code; only the wire is left out.
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
class Fate:
    """What befalls a command at the nth moment at which it touches the world; 0: never."""

    killed_at: int = 0
    stopped_at: int = 0
    clock_set_at: int = 0
    clock_set_by: float = 0.0
    touches: int = field(default=0, init=False)
    stopped: bool = field(default=False, init=False)


class Underway:
    """The world while a command runs: its time follows the turns, and the command's fate meets it here."""

    def __init__(self, world: World, turns: Turns, clock: HostClock, fate: Fate) -> None:
        self.world = world
        self.turns = turns
        self.clock = clock
        self.fate = fate
        self.programs = world.directory / "programs"  # when each program ends, by its number
        self.programs.mkdir(exist_ok=True)
        self.started = len(list(self.programs.iterdir()))
        self._told = -1.0

    def touch(self) -> None:
        """The world has come as far as the command; then a kill, a signal or a set clock may come."""
        self.catch_up()
        fate = self.fate
        fate.touches += 1
        if fate.touches == fate.killed_at:
            # Nothing is cleaned up and no thread goes on, as after SIGKILL; what the world was asked for goes on.
            os._exit(KILLED)
        fate.stopped = fate.stopped or fate.touches == fate.stopped_at
        if fate.touches == fate.clock_set_at:
            self.clock.ahead += fate.clock_set_by

    def catch_up(self) -> None:
        if self._told != self.turns.now:
            self._told = self.turns.now
            self.world.set(clock=self.turns.now)
            self.world.catch_up()

    def within(self, seconds: float, deadline: float) -> bool:
        """Let time pass, but not beyond the deadline; answers whether that was all of it."""
        self.turns.pause(max(0.0, min(seconds, deadline - self.turns.now)))
        self.catch_up()
        return self.turns.now < deadline


class Wire:
    """The way to the lab's filer, with the endings that ssh and rsh give it."""

    def __init__(self, settings: Filer, underway: Underway) -> None:
        self._settings = settings
        self._underway = underway
        self._shell = FilerShell(underway.world)

    def command_line(self, command: str) -> str:
        return f"{self._settings.transport} {self._settings.host} {command}"

    def preconnect(self) -> None:
        """There is nothing to open."""

    def run(self, command: str) -> FilerReply:
        sendable(command)
        # A filer that hangs up on rsh has the command already; ssh tells whether it was taken.
        unsent = NoAnswer if self._settings.transport == "rsh" else NotSent
        deadline = self._underway.turns.now + self._settings.timeout
        self._underway.catch_up()
        greeting = self._shell.login(self._settings.transport)
        if not self._underway.within(greeting.wait, deadline) or greeting.ending is not Ending.ANSWER:
            raise unsent("the filer hung up before it took the command", "see the filer")
        reply = self._shell.answer(command, self._settings.transport, "snapall")
        if reply.ending is Ending.REFUSE:
            raise unsent("the filer hung up", "see the filer")
        answered = self._underway.within(reply.wait, deadline)
        if not answered or (reply.ending is Ending.DROP and self._settings.transport == "ssh"):
            raise NoAnswer("the filer gave no whole answer", "look with `snap list`")
        return FilerReply(reply.stdout, reply.stderr)


class LabPrograms:
    """vcbsnapshot, called instead of started. It outlives snapall: when it ends is kept in a file."""

    def __init__(self, underway: Underway) -> None:
        self._underway = underway

    def run(self, argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> Completed:
        underway, began = self._underway, self._underway.turns.now
        begun = begin(underway.world, argv[1:])
        underway.started += 1
        child = Child(1000 + underway.started, began)
        (underway.programs / str(child.pid)).write_text(str(began + begun.wait))
        on_start(child)
        underway.touch()
        if not underway.within(begun.wait, began + timeout):
            return Completed(tuple(argv), None, "", "", timeout)
        end = begun.end(underway.world)
        return Completed(tuple(argv), end.exit, end.stdout, end.stderr, underway.turns.now - began)

    def alive(self, child: Child) -> bool:
        ends = self._underway.programs / str(child.pid)
        return ends.exists() and self._underway.turns.now < float(ends.read_text())


class LivedSite:
    """The job's site, with the command's fate before and after each question and each act."""

    def __init__(self, job: Job, settings: Config, underway: Underway) -> None:
        programs = LabPrograms(underway)
        self._site = OpenSite(job, settings, lambda filer: Wire(filer, underway), programs)
        self._underway = underway
        self.vcenter = self._site.vcenter
        self.filer = self._site.filer

    def survey(self) -> Survey:
        self._underway.touch()
        return self._site.survey()

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        self._underway.touch()
        outcome = self._site.perform(step, on_start)
        self._underway.touch()
        return outcome

    def preconnect(self) -> None:
        """There is nothing to open."""

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        self._underway.touch()
        rows = self._site.listing(volume)
        self._underway.touch()
        return rows

    def vm_snapshots(self, vms: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        self._underway.touch()
        return self._site.vm_snapshots(vms, ssids)

    def registered(self, vms: Sequence[int]) -> Mapping[int, str | None]:
        self._underway.touch()
        return self._site.registered(vms)

    def command(self, step: Step) -> str:
        return self._site.command(step)

    def alive(self, child: Child) -> bool:
        return self._site.alive(child)

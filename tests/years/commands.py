"""snapall's commands on the simulated machine: each is a process that runs to its end, or to its death."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from snapall.backup.adopt import adopt, orphans
from snapall.backup.context import RunContext
from snapall.backup.facts import Began, Certified, Failed, TakenOver, Warned
from snapall.backup.model import Job
from snapall.backup.record import Record
from snapall.backup.recover import Recovery
from snapall.backup.run import BackupRun
from snapall.backup.store import JournalStore
from snapall.errors import Exit, SnapallError
from tests.years.disk import Disk
from tests.years.judge import StrictJudge
from tests.years.process import Interruptions, Process
from tests.years.setups import Setup
from tests.years.site import SiteFaults, YearSite
from tests.years.turns import Killed, Turns
from tests.years.verdicts import KILLED, Verdicts
from tests.years.world import World

KEEP_JOURNALS = 6
TOKEN_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class Tally:
    """The figures of the nights."""

    nights: int = 0
    commands: int = 0
    kills: int = 0
    cuts: int = 0
    signals: int = 0
    full: int = 0
    codes: dict[str, dict[int, int]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)

    def count(self, process: Process, code: int) -> None:
        self.commands += 1
        self.kills += code == KILLED and not process.powerless
        self.cuts += code == KILLED and process.powerless
        self.signals += process.stopped
        self.full += process.full
        kinds = self.codes.setdefault(process.words, {})
        kinds[code] = kinds.get(code, 0) + 1


@dataclass
class Commands:
    """The machine that snapall runs on: its state folder, its disk, its clock."""

    state: Path
    turns: Turns
    world: World
    judge: StrictJudge
    verdicts: Verdicts
    disk: Disk
    chance: random.Random
    setup: Setup
    ahead: float = 0.0  # seconds by which the machine's clock is wrong
    running: dict[int, Process] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def open_runs(self) -> int:
        """How many journals are open, by the files."""
        reader = Process(self.turns, {}, "", self.setup.a, 0, Interruptions())
        return len(JournalStore(self.state, reader.clock).open_runs())

    # Processes

    def process(self, words: str, job: Job, interruptions: Interruptions) -> Process:
        process = Process(self.turns, self.running, words, job, self.ahead, interruptions)
        process.at_death = lambda: self._struck(process)
        return process

    def live(self, process: Process, act: Callable[[Process], Exit]) -> int:
        """Let the process live on this thread; answers its exit code."""
        before = self.verdicts.before(process)
        words, name = process.words, process.job.name
        self.world.record("begins:", words, "of job", name, "process", process.pid, process.interruptions)
        self.disk.main.process = process
        try:
            code = int(act(process))
        except SnapallError as error:
            code = int(error.exit)
        except Killed:
            code = KILLED
        finally:
            self.disk.main.process = None
        if process.dead and code != KILLED:
            raise AssertionError("a dead process went on")
        process.end()
        if code == KILLED:
            self._leave_as_dead(process)
        self.world.record("ends:", process.words, "process", process.pid, "exit", code)
        self.tally.count(process, code)
        self.verdicts.after(process, code, before)
        return code

    def _struck(self, process: Process) -> None:
        """At the moment of its death: what its cleanup will undo is remembered."""
        holder_files = {path: path.read_bytes() for path in self.state.glob("*.holder")}
        process.holder_files = holder_files
        if process.powerless:
            for other in self.running.values():
                if not other.dead:
                    other.powerless = True
                    other.kill()
            self.world.programs.clear()

    def _leave_as_dead(self, process: Process) -> None:
        """A dead process cleans up nothing: its holder file stays as it was."""
        for path, data in process.holder_files.items():
            if not path.exists() and f'"pid": {process.pid},'.encode() in data:
                path.write_bytes(data)
        if process.powerless:
            self.disk.cut(self.state, self.chance)

    def context(self, process: Process, site_faults: SiteFaults) -> RunContext:
        site = YearSite(self.world, process, self.setup.pace, site_faults, self.chance)

        def listen(record: Record) -> None:
            match record.what:
                case Began(job=job) as began if process.runs:
                    process.mark = began.mark
                    self.judge.jobs[began.mark] = job
                    if began.keep:
                        self.judge.kept.add(began.mark)
                case Certified() as certified:
                    process.certified = certified
                    self.judge.eligible[process.mark] = tuple(vm.id for vm in process.eligible)
                case Failed(text=text) | Warned(text=text) if "a bug in snapall" in text and not process.dead:
                    self.judge.say(process, text)
                case _:
                    pass
            self.world.record(process.pid, record.what)

        return RunContext(site, process.clock, listen, lambda: process.stopped, process)

    def store(self, process: Process) -> JournalStore:
        return JournalStore(self.state, process.clock, process)

    # Commands

    def run(self, job: Job, interruptions: Interruptions, site_faults: SiteFaults, keep: str = "") -> int:
        process = self.process("run --keep" if keep else "run", job, interruptions)
        token = "".join(self.chance.choice(TOKEN_CHARACTERS) for _ in range(4))

        def act(process: Process) -> Exit:
            context, store = self.context(process, site_faults), self.store(process)
            run = BackupRun(job, self.setup.pace, context, store, keep, KEEP_JOURNALS, token=token)
            return run.run().exit

        return self.live(process, act)

    def recover(self, interruptions: Interruptions, site_faults: SiteFaults, *, wait: bool = True) -> int:
        process = self.process("recover" if wait else "recover --no-wait", self.setup.a, interruptions)

        def act(process: Process) -> Exit:
            return self._recovery(process, site_faults, wait=wait).recover(self.setup.jobs)

        return self.live(process, act)

    def _recovery(self, process: Process, site_faults: SiteFaults, *, wait: bool) -> Recovery:
        context = self.context(process, site_faults)
        process.jobs = self.setup.jobs
        return Recovery(self.store(process), lambda _: context, context.publish, context.stopped, wait)

    def guard(self, job: Job, path: Path, site_faults: SiteFaults) -> int:
        """What the guardian does when its run has died."""
        process = self.process("guardian", job, Interruptions())

        def act(process: Process) -> Exit:
            recovery = self._recovery(process, site_faults, wait=True)
            store = recovery.store
            state = store.read(path)
            if state.began is None:
                return Exit.OK  # it died before it did anything
            process.mark = state.began.mark
            with store.lock(job.name, "guardian", lambda: False, lambda *_: None):
                taken_over = TakenOver("guardian", "the run died")
                return recovery.finish(store.open(path), job, taken_over, alone=True) or Exit.OK

        return self.live(process, act)

    def adopt(self, job: Job, site_faults: SiteFaults) -> int:
        """recover --adopt --yes."""
        process = self.process("recover --adopt", job, Interruptions())

        def act(process: Process) -> Exit:
            context, store = self.context(process, site_faults), self.store(process)
            found = orphans(job, context, store)
            self.judge.agreed.update(one.snapshot.ssid for one in found)
            return adopt(job, self.setup.pace, context, store, found) if found else Exit.OK

        return self.live(process, act)

"""What a process of snapall does between two events: the engine's loop, without threads and clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from snapall.backup.actions import Action, Decision, LookAtVms, Policy, ReadVolume, Send
from snapall.backup.decide import decide
from snapall.backup.facts import (
    Answered,
    Certified,
    Fact,
    Intent,
    LeftOut,
    Started,
    StopAsked,
    TakenOver,
    Warned,
    may_wait,
)
from snapall.backup.looks import conclude
from snapall.backup.queries import owned
from snapall.backup.record import Record
from snapall.backup.runstate import RunState
from snapall.backup.sight import DatabaseSilent, Observation, VolumeListed
from snapall.backup.state import apply
from snapall.backup.steps import Child, Outcome, Quiesce, Release
from tests.explore import invariants
from tests.explore.quick import replace
from tests.explore.sending import sent
from tests.explore.system import Look, Process, System, killed
from tests.explore.world import SentCommand, Violation, moment, second

MOST_DECISIONS = 60


Listener = Callable[[int, Fact | Observation], None]


class ActiveProcess:
    """A system while one of its processes is active, until the next event."""

    listener: Listener | None = None  # for a counterexample

    def __init__(self, system: System, place: int, deaths: list[tuple[str, System]] | None = None) -> None:
        self.world = system.world
        self.journals = list(system.journals)
        self.processes = list(system.processes)
        self.started = system.started
        self.place = place
        self.deaths = deaths  # the systems that a kill on the way would leave

    @property
    def me(self) -> Process:
        """The process at work."""
        return self.processes[self.place]

    @me.setter
    def me(self, value: Process) -> None:
        self.processes[self.place] = value

    def frozen(self) -> System:
        """The system as it is now."""
        return System(self.world, tuple(self.journals), tuple(self.processes), self.started)

    def live(self, run: int) -> RunState:
        """The state of a run, as its owner knows it."""
        return self.journals[run].live

    def dies(self, how: str) -> None:
        """The process may be killed here."""
        if self.deaths is not None:
            self.deaths.append((how, killed(self.frozen(), self.place)))

    # Records

    def record(self, run: int, *facts: Fact) -> None:
        """Write facts to the journal, and apply them."""
        one, at = self.journals[run], moment(self.world.now)
        live, disk = one.live, one.disk
        records = [Record(at, fact) for fact in facts]
        for record in records:
            live, disk = apply(live, record), apply(disk, record)
            if ActiveProcess.listener is not None:
                ActiveProcess.listener(run, record.what)  # type: ignore[arg-type]
        if all(map(may_wait, facts)):
            self.journals[run] = replace(one, live=live, disk=disk, tail=(*one.tail, *records), closed=False)
        else:
            self.journals[run] = replace(one, live=live, disk=disk, synced=disk, tail=(), closed=False)
        for fact in facts:
            if isinstance(fact, Certified):
                invariants.certified(self.world, run, fact.verdicts, both=True)
            elif isinstance(fact, TakenOver):
                self.journals[run] = replace(self.journals[run], live=disk)

    def observe(self, run: int, seen: Observation, asked: int) -> None:
        """Apply the answer of a look that began at `asked`, and record what follows from it."""
        at = moment(asked)
        if ActiveProcess.listener is not None:
            ActiveProcess.listener(run, seen)
        if isinstance(seen, DatabaseSilent) and self.live(run).database is None:
            self.record(run, Warned(f"cannot look for VM snapshots: {seen.why}", seen.hint))
        self.journals[run] = replace(self.journals[run], live=apply(self.live(run), Record(at, seen)))
        if isinstance(seen, VolumeListed):
            self._listed(seen)
        if facts := conclude(self.live(run), seen, at):
            self.record(run, *facts)

    def _listed(self, seen: VolumeListed) -> None:
        world = self.world.entered("tagged", seen.volume, value=tuple(row.date for row in seen.rows if row.tags))
        for row in seen.rows:
            if ("quiesced at", seen.volume, row.date) in world.ledger:
                world = world.entered("listed", seen.volume, row.date)
                world = world.entered("answered", int(row.date.split()[1]), seen.volume)
        self.world = world

    # The loop

    def turn(self) -> None:
        """Decide for every run until nothing new follows, and begin what is decided."""
        wakes = []
        for run in self.me.cases:
            if self.me.stop and self.live(run).stopped_at is None:
                self.record(run, StopAsked())
            decision = self._decided(run)
            releasing = any(
                one.run == run and one.awaited and isinstance(one.step, Release) for one in self.world.commands
            )
            done = decision.done and not releasing
            self.me = replace(self.me, finished=self.me.finished | {run} if done else self.me.finished - {run})
            wakes += [decision.wake] if decision.wake is not None else []
        self.me = replace(self.me, wake=min(wakes, default=None))
        self._check()

    def _decided(self, run: int) -> Decision:
        for _ in range(MOST_DECISIONS):
            decision = decide(self.live(run), moment(self.world.now), self._policy(run))
            actions = [action for action in decision.actions if self._may_begin(run, action)]
            left_out = self._begin(run, decision.records, actions)
            if not decision.records and not left_out:
                return decision
        raise Violation("rest", "one decision follows the other, without an end")

    def _policy(self, run: int) -> Policy:
        me, job = self.me, self.world.scene.jobs[self.journals[run].job]
        wait = me.kind == "recover"
        match me.phase:
            case "sweep":
                return Policy(linger=False)
            case "drive":
                return Policy(backup=True)
            case "again":
                return Policy(filer=False)
            case "rotate":
                return Policy(wait=wait, vms=False, publish=replace(job, busy_wait=0))
            case _:
                pass
        older = [one for one in me.cases if one < run and self.journals[one].job == self.journals[run].job]
        free = not older or older[-1] in me.finished or not self.live(older[-1]).filer_outstanding
        return Policy(wait=wait, patient=wait, filer=free)

    def _may_begin(self, run: int, action: Action) -> bool:
        if isinstance(action, LookAtVms):
            return not any(one.run == run and isinstance(one.action, LookAtVms) for one in self.me.looks)
        if isinstance(action, Send) and isinstance(action.step, Quiesce | Release):
            return True
        asked = any(
            one.awaited and one.run in self.me.cases and not isinstance(one.step, Quiesce | Release)
            for one in self.world.commands
        )
        return not asked and not any(isinstance(one.action, ReadVolume) for one in self.me.looks)

    def _begin(self, run: int, records: Sequence[Fact], actions: Sequence[Action]) -> bool:
        taken = self._taken(run, actions)
        sends: list[Intent] = []
        left: list[Fact] = []
        number = max(self.live(run).steps, default=0)
        for action in actions:
            if isinstance(action, Send):
                if isinstance(action.step, Quiesce) and action.step.vm.id in taken:
                    left.append(LeftOut(action.step.vm.id, taken[action.step.vm.id]))
                else:
                    sends.append(Intent(number + len(sends) + 1, action.step))
        if facts := [*records, *left, *sends]:
            self.record(run, *facts)
        if sends:
            self.dies("after its intents were written, before anything was sent")
        for action in actions:
            if not isinstance(action, Send):
                look = Look(run, action, self.live(run).version, self.world)
                self.me = replace(self.me, looks=(*self.me.looks, look))
        for intent in sends:
            self._send(run, intent)
        return bool(left)

    def _taken(self, run: int, actions: Sequence[Action]) -> Mapping[int, str]:
        """The VMs that other runs may have left a snapshot on, by their journals (see queries.owned)."""
        creates = [one.step.vm.id for one in actions if isinstance(one, Send) and isinstance(one.step, Quiesce)]
        other_states = (one.disk for place, one in enumerate(self.journals) if place != run and not one.closed)
        return owned(other_states, creates) if creates else {}

    def _send(self, run: int, intent: Intent) -> None:
        on_filer = not isinstance(intent.step, Quiesce | Release)
        until = self.world.now + int(self.world.scene.pace.filer_timeout) if on_filer else None
        command = SentCommand(run, intent.n, intent.step, self.world.now, until=until)
        if self.deaths is not None and isinstance(intent.step, Quiesce):
            unknown = replace(self.frozen(), world=sent(self.world, replace(command, known=False)))
            how = f"before it wrote down which program asks for {intent.step.vm.moref}"
            self.deaths.append((how, killed(unknown, self.place)))
        self.world = sent(self.world, command)
        if not on_filer:
            self.record(run, Started(intent.n, Child(1000 * run + intent.n, 1.0)))

    def _check(self) -> None:
        me = self.me
        looking = any(isinstance(one.action, LookAtVms) for one in me.looks)
        if me.phase in {"sweep", "drive", "settle"}:
            invariants.decided(
                self.world, invariants.DecidedTurn(me.cases, looking, me.phase == "drive" and not me.stop)
            )
        under_way = any(one.awaited and one.run in me.cases for one in self.world.commands)
        if not under_way and not me.looks and me.wake is None and set(me.cases) - me.finished:
            raise Violation("rest", "it is not done, and waits for nothing")
        if me.wake is not None and second(me.wake) <= self.world.now and not me.looks and not under_way:
            raise Violation("rest", "it waits for a moment that is over")

    # Answers

    def answered(self, command: SentCommand, outcome: Outcome) -> None:
        """Record the answer of a command."""
        self.record(command.run, Answered(command.n, outcome, float(self.world.now - command.sent)))

"""What is decided at one moment of a run: a pure question, so that no test need wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from snapall.backup.actions import Decision, LookAtVms, Policy, Send
from snapall.backup.decide import decide
from snapall.backup.facts import Answered, Confirmed, Fact, Intent, ReleaseBegan, StopAsked, Surveyed, TakenOver
from snapall.backup.model import FilerSnapshot, Vm
from snapall.backup.record import Record
from snapall.backup.sight import DatabaseSilent, JournalBroken, Observation, VmsListed, VolumeListed
from snapall.backup.state import fold
from snapall.backup.steps import Capture, Delete, Done, Quiesce, Release, Step, Unknown
from tests.backup.samples import BEGAN
from tests.backup.simulated import PACE, START

VMS = tuple(Vm(n, f"vm{n:02}", "esx1") for n in range(1, 9))
LIMIT = timedelta(seconds=PACE.filer_timeout)
QUIESCED: list[Fact] = [
    Surveyed((), VMS[:1], (), (), (), capture="vmware_new"),
    Intent(1, Quiesce(VMS[0], "Quiesce")),
    Answered(1, Done(ssid="snapshot-1"), 1.0),
]
CAPTURING: list[Fact] = [*QUIESCED, Intent(2, Capture(BEGAN.job.volumes[0], "vmware_new"))]


def decided(
    facts: Sequence[Fact], now: datetime = START, parallel: int = 1, seen: Observation | None = None
) -> Decision:
    header = replace(BEGAN, pace=replace(PACE, parallel=parallel))
    state = fold(Record(START, what) for what in [header, *facts])
    if seen is not None:
        state = fold([Record(now, seen)], state)
    return decide(state, now, Policy(backup=True))


def sent(decision: Decision) -> list[Step]:
    return [one.step for one in decision.actions if isinstance(one, Send)]


def begins_release(decision: Decision) -> bool:
    return any(isinstance(fact, ReleaseBegan) for fact in decision.records)


@pytest.mark.parametrize("parallel", [1, 2, 3])
def test_a_create_is_sent_when_one_of_the_places_is_free(parallel: int) -> None:
    asked: list[Fact] = [Surveyed((), VMS, (), (), ())]
    asked += [Intent(vm.id, Quiesce(vm, "Quiesce")) for vm in VMS[:parallel]]
    answers: list[list[Fact]] = [[], [Answered(1, Done(ssid="snapshot-1"), 1.0)]]
    for free, answered in enumerate(answers):
        due = sent(decided([*asked, *answered], parallel=parallel))
        assert [step.vm for step in due if isinstance(step, Quiesce)] == list(VMS[parallel : parallel + free])


def test_the_release_begins_one_timeout_of_the_filer_after_the_capture_was_sent() -> None:
    assert not begins_release(decided(CAPTURING, START + LIMIT - timedelta(seconds=1)))
    assert begins_release(decided(CAPTURING, START + LIMIT))


@pytest.mark.parametrize("facts", [QUIESCED, CAPTURING], ids=["while quiescing", "during the capture"])
def test_a_signal_begins_the_release_at_once(facts: Sequence[Fact]) -> None:
    assert not begins_release(decided(facts))
    assert begins_release(decided([*facts, StopAsked()]))


def test_with_the_journal_broken_the_release_begins_and_only_removals_are_sent() -> None:
    full = JournalBroken("no space left")
    assert begins_release(decided(QUIESCED, seen=full))
    then = decided([*QUIESCED, ReleaseBegan("the journal cannot be written")], START + LIMIT, seen=full)
    assert sent(then) == [Release(VMS[0], "snapshot-1")]


def test_each_removal_has_its_turn_before_one_is_sent_again() -> None:
    first, second = VMS[:2]
    facts: list[Fact] = [Surveyed((), VMS[:2], (), (), ())]
    for vm in (first, second):
        facts += [Intent(vm.id, Quiesce(vm, "Quiesce")), Answered(vm.id, Done(ssid=f"snapshot-{vm.id}"), 1.0)]
    facts += [ReleaseBegan("a signal"), Intent(3, Release(first, "snapshot-1"))]
    facts.append(Answered(3, Unknown("it is busy", failed=True, busy=True), 1.0))
    silent = DatabaseSilent(frozenset({first.id, second.id}), 99, "it does not answer")
    assert sent(decided(facts, seen=silent)) == [Release(second, "snapshot-2")]
    facts += [Intent(4, Release(second, "snapshot-2")), Answered(4, Done(), 1.0)]
    assert sent(decided(facts, seen=silent)) == [Release(first, "snapshot-1")]


def test_with_the_journal_broken_no_part_of_a_backup_is_deleted() -> None:
    first, job = FilerSnapshot("vmware_new", "born"), replace(BEGAN.job, volumes=("v", "w"))
    facts: list[Fact] = [
        replace(BEGAN, job=job),
        Intent(1, Capture("v", first.name)),
        Answered(1, Done("creating snapshot..."), 1.0),
        Confirmed("v", first.name, first.date),
        TakenOver("recover", "the run had left it open"),
    ]
    state = fold(Record(START, what) for what in facts)
    state = fold([Record(START, VolumeListed("v", (first,), state.version))], state)
    assert sent(decide(state, START, Policy())) == [Delete("v", first.name)]
    state = fold([Record(START, JournalBroken("no space left"))], state)
    assert sent(decide(state, START, Policy())) == []


def test_an_id_that_is_printed_after_the_release_began_is_looked_for_before_it_is_removed() -> None:
    facts: list[Fact] = [*QUIESCED[:2], ReleaseBegan("a signal"), QUIESCED[2]]
    decision = decided(facts)
    assert sent(decision) == []
    assert any(isinstance(one, LookAtVms) and one.ssids == ("snapshot-1",) for one in decision.actions)
    seen = VmsListed(frozenset({VMS[0].id}), (), frozenset({VMS[0].id}), 99)
    assert sent(decided(facts, seen=seen)) == [Release(VMS[0], "snapshot-1")]

"""What is concluded from one look: a pure question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from snapall.backup.facts import Answered, Fact, Intent, Surveyed
from snapall.backup.looks import conclude
from snapall.backup.model import FilerSnapshot
from snapall.backup.record import Record
from snapall.backup.runstate import RunState
from snapall.backup.sight import VmsListed, VolumeListed
from snapall.backup.state import apply, fold
from snapall.backup.steps import Capture, Done, Quiesce, Release, Rename, Unknown
from tests.backup.samples import AT, BEGAN, VM

VOLUME = BEGAN.job.volumes[0]
ANSWERED: list[Fact] = [
    BEGAN,
    Surveyed((), (VM,), (), (), ()),
    Intent(1, Quiesce(VM, "Quiesce")),
    Answered(1, Done(ssid="snapshot-7"), 1.0),
    Intent(2, Release(VM, "snapshot-7")),
    Answered(2, Done(), 1.0),
]


def run(facts: Sequence[Fact]) -> RunState:
    return fold(Record(AT, fact) for fact in facts)


def concluded(state: RunState, seen: VmsListed | VolumeListed) -> list[str]:
    at = AT + timedelta(seconds=1)
    return [type(fact).__name__ for fact in conclude(apply(state, Record(at, seen)), seen, at)]


def test_a_look_that_began_before_a_removal_was_answered_does_not_show_that_it_worked() -> None:
    state = run(ANSWERED)
    for version, shown in [(run(ANSWERED[:-1]).version, []), (state.version, ["Gone"])]:
        assert concluded(state, VmsListed(frozenset({VM.id}), (), frozenset({VM.id}), version)) == shown


def test_a_list_that_began_before_a_capture_was_answered_does_not_show_that_it_is_absent() -> None:
    asked: list[Fact] = [BEGAN, Intent(1, Capture(VOLUME, "vmware_new"))]
    state = run([*asked, Answered(1, Done("creating snapshot..."), 1.0)])
    for version, shown in [(run(asked).version, []), (state.version, ["Absent"])]:
        assert concluded(state, VolumeListed(VOLUME, (), version)) == shown


def test_a_rename_without_an_answer_counts_as_not_done_only_when_it_can_act_no_more() -> None:
    row = FilerSnapshot("vmware_recent", "born")
    state = run([BEGAN, Intent(1, Rename(VOLUME, row.name, "vmware_previous")), Answered(1, Unknown("no answer"), 1.0)])
    seen = VolumeListed(VOLUME, (row,), state.version)
    assert concluded(state, seen) == []
    late = AT + timedelta(seconds=BEGAN.pace.filer_timeout)
    assert [getattr(fact, "done", None) for fact in conclude(state, seen, late)] == [False]

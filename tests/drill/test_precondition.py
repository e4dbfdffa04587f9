"""A cell in which something acted later than was configured speaks neither for snapall nor against it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from snapall.backup.facts import FORMAT, Began, Intent
from snapall.backup.model import Job, Pace, Vm, chain_names
from snapall.backup.record import Record
from snapall.backup.runstate import RunState
from snapall.backup.state import fold
from snapall.backup.steps import Capture, Delete, Quiesce, Rename, Step
from snapall.drill.precondition import late
from snapall.lab.ledger import Change, Effect, Entry, Ledger

JOB = Job("vol1", "filer1", ("v",), (688,), chain_names("vmware", 4))
PACE = Pace(parallel=1, create_timeout=5, settle=60, filer_timeout=5)
START = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
PAIRS: list[tuple[Step, Effect, float]] = [
    (Quiesce(Vm(100, "web", "esx"), "Q"), Effect(Change.MADE, "Q", vm=100, ssid="snapshot-1"), 60),
    (Capture("v", "new"), Effect(Change.CAPTURED, "new", volume="v"), 5),
    (Rename("v", "a", "b"), Effect(Change.RENAMED, "a", volume="v", new="b"), 5),
    (Delete("v", "a"), Effect(Change.DELETED, "a", volume="v"), 5),
]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run(*intents: tuple[float, Step]) -> RunState:
    began = Record(START, Began(JOB, "20070322T030000Z", "vc01", "filer1", PACE, "0.1.0", format=FORMAT))
    return fold([began, *(Record(at(when), Intent(n, step)) for n, (when, step) in enumerate(intents, 1))])


def ledger(*entries: tuple[float, Effect | None, int | None]) -> Ledger:
    return Ledger(
        Entry(at(when), "filer", n=n, effect=effect, of=of) for n, (when, effect, of) in enumerate(entries, 1)
    )


@pytest.mark.parametrize(("step", "effect", "granted"), PAIRS)
def test_a_call_that_acts_a_second_after_its_limit_is_late(step: Step, effect: Effect, granted: float) -> None:
    state = run((1, step))
    assert late(state, ledger((2, None, None), (1 + granted, effect, 1))) == ""
    assert effect.label in late(state, ledger((2, None, None), (2 + granted, effect, 1)))


def test_a_repeated_command_is_measured_from_its_own_intent() -> None:
    step, effect, _ = PAIRS[3]
    assert late(run((1, step), (30, step)), ledger((31, effect, None))) == ""


def test_a_late_effect_is_measured_from_the_intent_of_its_call() -> None:
    step, effect, _ = PAIRS[3]
    assert late(run((1, step), (30, step)), ledger((2, None, None), (31, effect, 1))) != ""


@pytest.mark.parametrize("effect", [PAIRS[1][1], Effect(Change.REMOVED, "Q", vm=100, ssid="snapshot-1")])
def test_changes_that_are_not_ours_and_removals_have_no_limit(effect: Effect) -> None:
    assert late(run((1, PAIRS[3][0])), ledger((500, effect, None))) == ""
    assert late(RunState(), ledger((500, effect, None))) == ""

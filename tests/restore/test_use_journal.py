"""The journal of a mount or a restore: what is written is read back, damage is named, a death leaves it open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.clock import SystemClock
from snapall.backup.facts import Answered, Ended
from snapall.backup.lockfile import Lock
from snapall.backup.steps import Done, Unknown
from snapall.backup.store import JournalStore
from snapall.errors import JournalError, OldFormat
from snapall.restore import plan
from snapall.restore.ending import nothing_left
from snapall.restore.journal import UseStore, is_over
from snapall.restore.model import Lun, LunMap, LunView
from snapall.restore.record import (
    CopyEnded,
    PlannedStep,
    Source,
    StepIntent,
    StepLeft,
    StepSeen,
    StepSkipped,
    StepUndone,
    TakeDown,
    UseBegan,
    UseFact,
    UseKind,
    UseRecord,
)
from snapall.restore.state import fold
from snapall.restore.steps import StartSplit
from tests.backup.simulated import SimulatedClock

LUN = Lun("/vol/v/sql01", 1024, serial="serial")
VIEW = LunView("v", {LUN.path: LUN}, (LunMap(LUN.path, "esx", 3),), dependency=False)
PLAN = plan.by_swap([LUN.path], "wanted", "20070322T040000Z", {"v": VIEW}, iter(["fresh"]))
HEADER = UseBegan(
    UseKind.RESTORE, "one", "f", "vc", "20070322T040000Z", "wanted", (Source("v", "Mar 22 03:00"),), PLAN, "1"
)
FACTS: tuple[UseFact, ...] = (
    *(StepIntent(n, one.step, n) for n, one in enumerate(PLAN, 1)),
    Answered(1, Done(), 0.5),
    Answered(2, Unknown("no answer"), 0.5),
    StepSeen(1, True),
    StepSeen(2, None),
    StepSkipped(3, "the serials differ"),
    StepLeft(1, "it is busy"),
    StepUndone(1),
    CopyEnded(1),
    TakeDown("recover", "it died"),
)


@pytest.fixture
def store(tmp_path: Path) -> UseStore:
    return UseStore(JournalStore(tmp_path / "state", SystemClock()))


def test_every_fact_is_read_back_as_it_was_written(store: UseStore) -> None:
    journal = store.begin(HEADER)
    journal.append(FACTS)
    journal.leave()
    assert [one.what for one in store.open(journal.path).records] == [HEADER, *FACTS]


def test_a_use_that_died_is_open_until_it_is_settled(store: UseStore) -> None:
    journal = store.begin(HEADER)
    assert [one.open for one in store.uses("one")] == [True]
    assert [one.path for one in store.uses(only_open=True)] == [journal.path]
    journal.append([Ended(0, False, "done")])
    journal.leave()
    assert list(store.uses(only_open=True)) == []
    assert list(store.uses("another")) == []


def test_a_damaged_journal_hides_no_other_one(store: UseStore) -> None:
    one, other = (store.begin(replace(HEADER, stamp=f"2007032{n}T040000Z")) for n in (3, 4))
    one.leave()
    other.leave()
    one.path.write_text(f"}}{one.path.read_text()}\n")
    said: list[str] = []
    assert [use.path for use in store.uses(unreadable=lambda *parts: said.append(parts[0]))] == [other.path]
    assert str(one.path) in said[0]
    with pytest.raises(JournalError):
        list(store.uses())


def test_a_check_that_makes_way_waits_for_the_run(tmp_path: Path) -> None:
    clock = SimulatedClock()
    wish = Lock(tmp_path / "one.wanted")
    assert wish.try_acquire()
    clock.later(3.0, wish.close)
    uses = UseStore(JournalStore(tmp_path, clock))
    with uses.locked(["one"], "verification", lambda: False, lambda *_: None, yielding=True):
        assert clock.monotonic() == 3


DISPLACED = [
    ([*PLAN[:6]], (), None, ()),
    ([*PLAN[:7]], (), None, (LUN.path,)),  # the old LUN was moved away
    ([*PLAN[:8]], (), None, (LUN.path,)),  # the clone is in its place, and is not final yet
    ([*PLAN[:7]], (7,), None, ()),
    ([*PLAN[:7]], (), 7, (LUN.path,)),  # nobody has looked yet
    ([*PLAN], (), None, ()),
]


@pytest.mark.parametrize(("sent", "undone", "unseen", "displaced"), DISPLACED)
def test_a_lun_is_out_of_its_place_from_its_move_until_that_is_taken_back_or_final(
    sent: list[PlannedStep], undone: tuple[int, ...], unseen: int | None, displaced: tuple[str, ...]
) -> None:
    facts: list[UseFact] = [HEADER]
    for n, one in enumerate(sent, 1):
        facts += [StepIntent(n, one.step, n - 1), *([StepSeen(n, True)] if n != unseen else [])]
    facts += [StepUndone(n) for n in undone]
    assert fold(UseRecord(SystemClock().utc(), one) for one in facts).displaced == displaced


def test_a_torn_last_line_is_cut_off(store: UseStore) -> None:
    journal = store.begin(HEADER)
    journal.leave()
    with journal.path.open("ab") as file:
        file.write(b'{"at": "2030')
    assert [one.what for one in store.open(journal.path).records] == [HEADER]


def test_a_damaged_journal_is_named_with_what_to_look_for(store: UseStore) -> None:
    journal = store.begin(HEADER)
    journal.leave()
    with journal.path.open("ab") as file:
        file.write(b"rubbish\n")
    with pytest.raises(JournalError, match="is damaged") as error:
        store.open(journal.path)
    assert error.value.code == "SA-1710"
    assert "snapall_*" in error.value.hint


def test_a_journal_of_another_format_is_refused_by_name_whatever_its_lines_are(store: UseStore) -> None:
    journal = store.begin(replace(HEADER, format=9, version="9.1"))
    journal.leave()
    with journal.path.open("ab") as file:
        file.write(b"what only 9.1 can read\n")
    with pytest.raises(OldFormat, match=r"another version of snapall \(9\.1\)") as error:
        list(store.uses())
    assert error.value.code == "SA-1762"


def ended(store: UseStore, stamp: str, *facts: UseFact) -> Path:
    """The journal of a use that is closed, by the state that its facts fold to."""
    journal = store.begin(replace(HEADER, stamp=stamp))
    journal.append(facts)
    over = nothing_left(fold(journal.records))
    journal.append([Ended(0, False, "done", length=journal.size if over else 0)])
    journal.leave()
    return journal.path


SPLIT = (StepIntent(1, StartSplit(LUN.path), 1), Answered(1, Done(), 0.5), StepSeen(1, True))


def test_of_a_use_that_is_over_only_the_last_line_is_read(store: UseStore) -> None:
    path = ended(store, "20070322T040000Z")
    assert is_over(path)
    text = path.read_text()
    header, last = text.splitlines()
    path.write_text("x" * len(header) + "\n" + last + "\n", newline="\n")
    assert list(store.uses()) == []
    path.write_text("x" + text, newline="\n")  # the last line does not sum this up
    with pytest.raises(JournalError):
        list(store.uses())


def test_only_uses_that_are_over_are_pruned_the_oldest_first(store: UseStore) -> None:
    copying = ended(store, "20070321T040000Z", *SPLIT)
    over = [ended(store, f"2007032{day}T040000Z") for day in range(2, 6)]
    half = store.begin(replace(HEADER, stamp="20070320T040000Z"))
    half.leave()
    store.prune("one", 2)
    assert sorted(half.path.parent.glob("*.jsonl")) == sorted([half.path, copying, *over[-2:]])


def test_a_journal_of_a_replication_is_no_use(store: UseStore) -> None:
    path = ended(store, "20070322T040000Z")
    path.rename(path.with_name("replicate-one-20070322T040000Z.jsonl"))
    store.prune("one", 1)
    assert list(store.uses()) == []
    assert len(list(path.parent.glob("*.jsonl"))) == 1

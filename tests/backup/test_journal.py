"""The durable memory: what survives a torn line, a full disk, a newer snapall; and the lock."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.factlines import from_line, to_line
from snapall.backup.record import (
    Answered,
    Began,
    Certified,
    Ended,
    Fact,
    Found,
    Intent,
    Listed,
    Noted,
    Origin,
    Proven,
    Started,
    Surveyed,
    Verdict,
)
from snapall.backup.journal import Journal, is_open, journals
from snapall.backup.lock import hold
from snapall.backup.memory import Memory
from snapall.backup.model import FilerSnapshot, Grade, Pace, Policies, Policy, Vm
from snapall.backup.steps import Capture, Child, Delete, Done, Quiesce, Refusal, Release, Rename, Step, Unknown
from snapall.errors import Exit, JournalError
from tests.backup.pretended import JOB, PretendedClock

AT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
VM = Vm(611, "sql01", "esx1")
BEGAN = Began(JOB, "20070322T030000Z", "vc01", "filer1", Pace(), "0.1.0")
STEPS: list[Step] = [
    Quiesce(VM, "Quiesce"),
    Release(VM, "snapshot-7"),
    Capture("v", "n"),
    Rename("v", "a", "b"),
    Delete("v", "n"),
]


@pytest.fixture
def clock() -> PretendedClock:
    return PretendedClock()


@pytest.fixture
def journal(tmp_path: Path, clock: PretendedClock) -> Journal:
    return Journal.create(tmp_path / "journals", BEGAN, clock)


FACTS: list[Fact] = [
    BEGAN,
    Surveyed(("a command",), (611,), ("snapshot-1",), (Listed("v", (FilerSnapshot("n", "d", ("busy",)),)),), ()),
    Surveyed((), (), (), (), (Origin("v", "n", "d", "s", Grade.PARTIAL, 18, 19),)),
    *(Intent(n, step) for n, step in enumerate(STEPS, 1)),
    Answered(1, Done("said\x1b", "snapshot-7"), 0.5),
    Answered(1, Refusal("no", "said"), 0.5),
    Answered(1, Unknown("lost", failed=True), 0.5),
    Found(611, "snapshot-7"),
    Proven("v", "n", "Mar 22 03:00", late=True),
    Certified(Grade.WHOLE, (Verdict(VM, "quiesced"),)),
    Ended(5, True, "text"),
]


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_survives_its_line(fact: Fact) -> None:
    line = to_line(Noted(AT, fact))
    assert "\n" not in line
    assert from_line(line) == Noted(AT, fact)


@given(st.text(), st.text())
def test_any_name_survives_its_line(name: str, said: str) -> None:
    fact = Answered(3, Done(said, name), 1.0)
    assert from_line(to_line(Noted(AT, fact))) == Noted(AT, fact)


def test_a_kind_or_field_of_a_newer_snapall_is_passed_over() -> None:
    assert from_line('{"at": "2030-01-01T00:00:00+00:00", "is": "Teleported", "vm": 1}') is None
    line = json.loads(to_line(Noted(AT, Found(611, "snapshot-7"))))
    assert from_line(json.dumps(line | {"colour": "blue"})) == Noted(AT, Found(611, "snapshot-7"))


def test_a_field_that_an_older_snapall_did_not_write_takes_its_default() -> None:
    line = json.loads(to_line(Noted(AT, Proven("v", "n", "d"))))
    del line["late"]
    assert from_line(json.dumps(line)) == Noted(AT, Proven("v", "n", "d"))


NO_FACTS = [
    "[]",
    "{}",
    "nonsense",
    '{"at": 5, "is": "Found"}',
    '{"at": "x", "is": "Found"}',
    '{"at": "2030-01-01T00:00:00+00:00", "is": "Found", "vm": 1}',
    '{"at": "2030-01-01T00:00:00+00:00", "is": "Vm", "id": 1}',
]


@pytest.mark.parametrize("line", NO_FACTS)
def test_what_is_no_fact_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_line(line)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("is"), inner),
    )
)
def test_no_json_at_all_raises_anything_but_value_error(value: object) -> None:
    body = value if isinstance(value, dict) else {"vm": value}
    with suppress(ValueError):
        from_line(json.dumps({"at": "2030-01-01T00:00:00+00:00", "is": "Found", **body}))


def test_what_was_written_is_read_again(journal: Journal, clock: PretendedClock) -> None:
    assert journal.intend(STEPS[0]) == 1
    journal.note(Answered(1, Done(ssid="snapshot-7"), 1.0))
    again = Journal.open(journal.path, clock)
    assert again.facts == journal.facts
    assert again.began == BEGAN
    assert again.intend(STEPS[1]) == 2


def test_a_torn_last_line_is_cut_off_and_the_next_fact_stands_on_its_own(
    journal: Journal, clock: PretendedClock
) -> None:
    journal.intend(STEPS[0])
    whole = journal.path.read_bytes()
    for cut in range(1, 60):
        journal.path.write_bytes(
            whole + b'{"at": "2007-03-22T03:00:00.000+00:00", "is": "Found", "vm": 611, "ssid"'[:cut]
        )
        again = Journal.open(journal.path, clock)
        again.note(Found(611, "snapshot-7"))
        assert [noted.fact for noted in Journal.open(journal.path, clock).facts][-1] == Found(611, "snapshot-7")


@pytest.mark.parametrize("begin", [0, 30])  # at the beginning of a line, and within one
@pytest.mark.parametrize(
    "left", ["", "}\n", '{"at": "2007-03-22T03:00:00.000+00:00", "is": "Gone", "vm": 611, "how": ""}\n']
)
def test_a_hole_that_a_power_cut_left_in_unsynced_lines_is_passed_over(
    journal: Journal, clock: PretendedClock, begin: int, left: str
) -> None:
    journal.intend(STEPS[0])
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + to_line(Noted(AT, FACTS[-1])).encode()[:begin] + bytes(300) + left.encode())
    assert is_open(journal.path)
    again = Journal.open(journal.path, clock)
    assert again.facts == journal.facts
    again.note(Found(611, "snapshot-7"))
    assert [noted.fact for noted in Journal.open(journal.path, clock).facts] == [
        *(noted.fact for noted in journal.facts),
        Found(611, "snapshot-7"),
    ]


def test_lines_that_are_lost_before_one_that_was_acted_upon_were_no_power_cuts(
    journal: Journal, clock: PretendedClock
) -> None:
    """The intent had been synced with all before it, so what is missing was, too: it may name a VM."""
    journal.intend(STEPS[0])
    before = journal.path.read_bytes()
    journal.intend(STEPS[1])
    behind = journal.path.stat().st_size
    journal.intend(STEPS[2])
    journal.note(Started(3, Child(7, 1.0)))
    whole = journal.path.read_bytes()
    journal.path.write_bytes(before + bytes(behind - len(before) - 1) + b"\n" + whole[behind:])
    with pytest.raises(JournalError, match="has lost lines in its middle"):
        Journal.open(journal.path, clock)


def test_a_line_that_was_tampered_with_is_named(journal: Journal, clock: PretendedClock) -> None:
    with journal.path.open("a") as file:
        file.write("hello\n")
    with pytest.raises(JournalError, match="line 2"):
        Journal.open(journal.path, clock)


def test_a_journal_without_a_header_owes_nothing_and_says_so(tmp_path: Path, clock: PretendedClock) -> None:
    path = tmp_path / "vol1-x.jsonl"
    path.write_text("")
    with pytest.raises(JournalError, match="header"):
        _ = Journal.open(path, clock).began
    with pytest.raises(JournalError, match="cannot be read"):
        Journal.open(tmp_path / "none", clock)
    assert is_open(tmp_path)  # what cannot be read may owe everything


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: PretendedClock) -> None:
    (tmp_path / "state").write_text("a file in its place")
    with pytest.raises(JournalError, match="state"):
        Journal.create(tmp_path / "state", BEGAN, clock)
    with pytest.raises(JournalError, match="state"), hold(tmp_path / "state", "vol1", "run", clock, lambda: False):
        raise AssertionError("never held")


def test_a_failed_write_is_remembered_and_the_next_one_is_whole(journal: Journal, clock: PretendedClock) -> None:
    moved = journal.path.with_suffix(".away")
    journal.path.rename(moved)
    with pytest.raises(JournalError):
        journal.intend(STEPS[0])
    assert journal.intend_anyway(STEPS[1]) == 2  # the number that was not written down is nobody's
    journal.note(Found(611, "snapshot-7"))
    assert journal.broken
    assert [type(noted.fact) for noted in journal.facts] == [Began, Intent, Found]
    moved.rename(journal.path)
    journal.note(Ended(0, False, ""))
    assert [type(noted.fact) for noted in Journal.open(journal.path, clock).facts] == [Began, Ended]


def test_an_answer_is_in_the_file_before_anybody_goes_on(journal: Journal, clock: PretendedClock) -> None:
    for fact in (Started(1, Child(7, 1.0)), Answered(1, Done("", "snapshot-7"), 3.0), Proven("v", "n", "Mar 22 03:00")):
        journal.note(fact)
        assert Journal.open(journal.path, clock).facts[-1].fact == fact


def test_several_facts_at_once_are_a_line_each(journal: Journal, clock: PretendedClock) -> None:
    found = [Found(vm, f"snapshot-{vm}") for vm in (611, 612, 613)]
    journal.note(*found)
    assert [noted.fact for noted in journal.facts[1:]] == found
    assert [noted.fact for noted in Journal.open(journal.path, clock).facts[1:]] == found


def test_after_a_run_has_left_its_journal_a_late_answer_is_remembered_and_not_written(journal: Journal) -> None:
    journal.leave()
    before = journal.path.read_bytes()
    journal.note(Found(611, "snapshot-7"))
    assert journal.broken
    assert journal.facts[-1].fact == Found(611, "snapshot-7")
    assert journal.path.read_bytes() == before


def test_a_journal_is_closed_only_by_a_report_that_says_so(journal: Journal) -> None:
    assert is_open(journal.path)
    journal.note(Ended(5, True, "one VM"))
    assert is_open(journal.path)
    journal.note(Ended(0, False, ""))
    assert not is_open(journal.path)
    with journal.path.open("a") as file:
        file.write('{"torn')
    assert is_open(journal.path)
    with journal.path.open("a") as file:
        file.write("\n")
    assert is_open(journal.path)


def test_journals_are_sorted_by_their_runs(tmp_path: Path, clock: PretendedClock) -> None:
    for stamp in ("20070323T030000Z", "20070322T030000Z"):
        Journal.create(tmp_path, Began(JOB, stamp, "vc01", "filer1", Pace(), "0"), clock)
    assert [path.stem for path in journals(tmp_path)] == ["vol1-20070322T030000Z", "vol1-20070323T030000Z"]
    assert journals(tmp_path, "vol") == []


def test_old_journals_go_but_never_one_that_owes_something(tmp_path: Path, clock: PretendedClock) -> None:
    memory = Memory(tmp_path, clock)
    paths = []
    for day in range(1, 6):
        journal = memory.begin(Began(JOB, f"200703{day:02d}T030000Z", "vc01", "filer1", Pace(), "0"))
        if day == 1:
            journal.intend(STEPS[0])
        memory.close(journal, Exit.OK, "")
        paths.append(journal.path)
    memory.prune("vol1", 2)
    assert [path.exists() for path in paths] == [True, False, False, True, True]
    memory.prune("vol1", 0)
    assert paths[-1].exists()


def test_policies_survive_their_line() -> None:
    job = replace(JOB, policies=Policies((("test-*", Policy.SKIP), ("sql01", Policy.MUST))))
    began = Began(job, "s", "vc01", "filer1", Pace(), "0")
    assert from_line(to_line(Noted(AT, began))) == Noted(AT, began)

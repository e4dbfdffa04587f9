"""The sources of an audit, each by hand: what is told of rows and runs that nearly fit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from snapall.backup.facts import FORMAT, Began, Intent, Surveyed
from snapall.backup.model import FilerSnapshot, Grade, Pace, Vm, VmSnapshot
from snapall.backup.outcome import Origin
from snapall.backup.record import Record
from snapall.backup.state import fold
from snapall.backup.steps import Quiesce
from snapall.operate.audit import audit
from snapall.operate.findings import FindingKind, JobSources, VmSources
from tests.backup.simulated import JOB, START

DATE, LATER = "Mar 22 03:00", "Mar 23 03:00"
TEMPORARY = "vmware_new_20070322T030000Z"
SQL = Vm(110, "sql01", "esx1")
QUIESCE = "Quiesce-20070322T030000Z"


def origin(name: str, run: str = "20070322T030000Z", date: str = DATE) -> Origin:
    return Origin("v", name, date, run, Grade.WHOLE, 3, 3, name == TEMPORARY)


def kinds_of(rows: Sequence[tuple[str, str]], *known: Origin) -> list[FindingKind]:
    listing = tuple(FilerSnapshot(name, date) for name, date in rows)
    return [one.kind for one in audit([JobSources(JOB, (688,), {"v": listing}, known)], None, [], {}).findings]


def test_what_is_as_the_last_run_left_it_is_no_finding() -> None:
    assert kinds_of([("vmware_recent", DATE)], origin("vmware_recent")) == []


def test_two_backups_of_one_minute_are_not_taken_for_each_other() -> None:
    known = origin("vmware_recent", "20070322T030040Z"), origin("vmware_previous")
    assert kinds_of([("vmware_previous", DATE)], *known) == [FindingKind.GAP, FindingKind.DELETED]


@pytest.mark.parametrize(
    ("name", "kinds"), [("vmware_recent", [FindingKind.BUSY]), ("hourly.0", []), ("nightly_recent", [])]
)
def test_only_a_name_of_the_chain_that_the_filer_holds_is_told(name: str, kinds: list[FindingKind]) -> None:
    rows = (FilerSnapshot(name, DATE, ("busy", "LUNs")),)
    found = audit([JobSources(JOB, (688,), {"v": rows}, (origin("vmware_recent"),))], None, [], {}).findings
    assert [one.kind for one in found if one.kind is FindingKind.BUSY] == kinds


def test_another_snapshot_of_a_retained_name_is_told() -> None:
    assert FindingKind.REPLACED in kinds_of([("vmware_recent", LATER)], origin("vmware_recent"))


@pytest.mark.parametrize(
    ("known", "kind"),
    [((origin(TEMPORARY),), FindingKind.PENDING), ((), FindingKind.ORPHAN), ((origin(TEMPORARY, date=LATER),), None)],
)
def test_a_temporary_name_is_pending_only_where_a_run_knows_it(
    known: tuple[Origin, ...], kind: FindingKind | None
) -> None:
    found = kinds_of([(TEMPORARY, DATE)], *known)
    assert found == [kind] if kind is not None else FindingKind.ORPHAN in found


@pytest.mark.parametrize(("at_work", "expected"), [(False, [FindingKind.OUTSTANDING]), (True, [])])
def test_what_a_run_at_work_quiesced_is_neither_outstanding_nor_an_orphan(
    at_work: bool, expected: list[FindingKind]
) -> None:
    began = Began(JOB, "20070322T030000Z", "vc01", "filer1", Pace(), "0.2.0", format=FORMAT)
    facts = began, Surveyed((), (SQL,), (), (), ()), Intent(1, Quiesce(SQL, QUIESCE))
    run = fold(Record(START, fact) for fact in facts)
    vms = VmSources([(SQL, (688,))], {688: "store"}, [VmSnapshot("snapshot-9", 110, QUIESCE)])
    sources = JobSources(JOB, (688,), {"v": ()}, (), (run,), at_work)
    assert [one.kind for one in audit([sources], vms, [], {}).findings] == expected


def test_two_datastores_of_one_name_are_a_collision() -> None:
    vms = VmSources([], {688: "store", 689: "store", 690: "other"}, [])
    (found,) = audit([JobSources(JOB, (688,), {"v": ()})], vms, [], {}).findings
    assert (found.kind, "688, 689" in found.text) == (FindingKind.COLLISION, True)

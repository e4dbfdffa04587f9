"""The stand-ins' own parts: what goes over their wire, and what the lab answers through them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from snapall.lab.faults import Fault, FaultKind
from tests.conformity.scenarios import site_of
from tests.lab.atlab import AtLab
from tests.windows.programs import LabPrograms
from tests.windows.standins import StandInCall, StandInReply

VMS = "SELECT vc_user.VPX_VM.ID FROM vc_user.VPX_VM INNER JOIN vc_user.VPX_DS_ASSIGNMENT ON"
VMS += " vc_user.VPX_VM.ID = vc_user.VPX_DS_ASSIGNMENT.ENTITY_ID where ds_id = 688"
SNAPSHOTS = "select VM_ID,ID from vc_user.VPX_SNAPSHOT where SNAPSHOT_NAME = 'Quiesce'"


def call(program: str, *argv: str) -> StandInCall:
    return StandInCall(f"{program}.exe", "C:\\", program, argv)


def osql(query: str) -> StandInCall:
    return call("osql", "-U", "vc_user", "-h-1", "-Q", query, "-o", "list.txt")


@pytest.fixture
def lab(at_lab: Callable[..., AtLab]) -> AtLab:
    return at_lab(site=site_of("a_happy"))


def programs(lab: AtLab, **options: object) -> LabPrograms:
    plain: dict[str, object] = {"strict": True, "osql": {}, "blank_line": True}
    return LabPrograms(lab.world, **(plain | options))  # type: ignore[arg-type]


def test_a_call_arrives_with_its_exact_command_line_and_its_arguments() -> None:
    data = 'RSH.exe\0C:\\vcb\0RSH  "a b" ü\0a b\0ü\0'.encode()
    assert StandInCall.read(data) == StandInCall("RSH.exe", "C:\\vcb", 'RSH  "a b" ü', ("a b", "ü"))
    assert StandInCall.read(data).name == "RSH"
    assert StandInCall.read(b"RSH.exe\0C:\\\0RSH\0").argv == ()


def test_a_reply_carries_lengths_in_bytes_and_a_crash_as_a_signed_number() -> None:
    assert StandInReply(1, "ü\n", "no\n", ("a.txt", "1\r\n")).data() == "1 3 3 5 3\nü\nno\na.txt1\r\n".encode()
    assert StandInReply(0xC0000005).data() == b"-1073741819 0 0 0 -1\n"
    assert StandInReply(file=("a.txt", "")).data() == b"0 0 0 5 0\na.txt"


def test_rsh_prints_whatever_the_filer_sends_and_ends_with_0_even_for_an_error(lab: AtLab) -> None:
    answers = programs(lab)
    assert answers(call("RSH", "filer1", "snap", "create", "vmvol1", "one")).out == "creating snapshot...\n"
    again = answers(call("RSH", "filer1", "snap", "create", "vmvol1", "one"))
    assert (again.code, again.out) == (0, "Snapshot already exists.\n")
    assert [entry.command for entry in lab.ledger.changing] == ["snap create vmvol1 one"] * 2


def test_rsh_ends_with_1_where_the_filer_refuses_the_connection(lab: AtLab) -> None:
    lab.fault(Fault("login", FaultKind.REFUSE, times=0))
    assert programs(lab)(call("RSH", "filer1", "version")) == StandInReply(1, err="filer1: Connection refused\n")


def test_osql_writes_the_rows_as_wide_as_in_the_recordings(lab: AtLab) -> None:
    answers = programs(lab)
    three = "         108 \r\n         110 \r\n        1226 \r\n\r\n(3 rows affected)\r\n"
    assert answers(osql(VMS)).file == ("list.txt", three)
    assert answers(osql(SNAPSHOTS)).file == ("list.txt", "\r\n(0 rows affected)\r\n")
    answers(call("vcbsnapshot", "-h", "vc01", "-u", "vcbackup", "-p", "vcpw", "-c", "moref:vm-110", "Quiesce"))
    assert answers(osql(SNAPSHOTS)).file == ("list.txt", "         110        1228 \r\n\r\n(1 row affected)\r\n")


def test_osql_fails_in_the_ways_that_were_recorded(lab: AtLab) -> None:
    answers = programs(lab, osql={"2": "nofile"})
    assert answers(osql(VMS)).code == 0
    assert (answers(osql(SNAPSHOTS)).code, answers(osql(VMS)).code) == (1, 0)
    assert programs(lab, osql={"all": "exit:-1073741819"})(osql(VMS)) == StandInReply(-1073741819)
    bad = programs(lab, osql={"all": "badtable"})(osql(SNAPSHOTS)).file
    assert bad is not None
    assert bad[1].endswith("Invalid object name 'vc_user.VPX_SNAPSHOT'.\r\n")


def test_vcbsnapshot_lets_everybody_in_only_where_the_recorded_one_did(lab: AtLab) -> None:
    create = call("vcbsnapshot", "-h", "vc01", "-u", "-p", "vcpw", "-c", "moref:vm-108", "Quiesce")
    refused = programs(lab, strict=True)(create)
    assert (refused.code, "(user='-p')" in refused.out) == (1, True)
    assert programs(lab, strict=False)(create) == StandInReply(0, "SsId:snapshot-1228\n")

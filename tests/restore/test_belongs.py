"""Which LUN belongs to which VM."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import Vm
from snapall.restore.belongs import guesses, owners, unclaimed

SQL, SQL_TEST, MAIL = Vm(611, "sql01"), Vm(873, "sql01-test"), Vm(131, "mail01")
VMS = (SQL, SQL_TEST, MAIL)


def owner(name: str, **luns: tuple[str, ...]) -> Vm | None:
    """The VM of a LUN of this name."""
    path = f"/vol/vmvol1/{name}"
    return owners([path], VMS, luns)[path]


def test_a_lun_called_as_a_vm_or_by_its_name_and_a_sign_is_that_vms() -> None:
    assert [owner(one) for one in ("sql01", "sql01.lun", "SQL01_data", "sql01-logs")] == [SQL] * 4
    assert owner("q1/sql01") == SQL


def test_the_longest_name_wins() -> None:
    assert owner("sql01-test_d1") == SQL_TEST
    assert owner("sql01-tes") == SQL


def test_a_lun_of_no_vm_is_never_guessed() -> None:
    assert [owner(one) for one in ("vmfs01", "sql011", "mysql01", "data7")] == [None] * 4


def test_an_entry_of_the_job_beats_the_name() -> None:
    assert owner("data7", sql01=("/vol/vmvol1/data7",)) == SQL
    assert owner("data7", **{"vm-131": ("/vol/vmvol1/data7",)}) == MAIL
    assert owner("mail01", SQL01=("/vol/vmvol1/mail01",)) == SQL


def test_a_vm_with_an_entry_has_no_other_lun_by_its_name() -> None:
    assert owner("sql01-old", sql01=("/vol/vmvol1/data7",)) is None


def test_a_lun_of_a_vm_that_is_not_the_jobs_is_not_the_jobs_by_a_shorter_name() -> None:
    path = "/vol/vmvol1/sql01-test"
    assert owners([path], (SQL,), {}, (SQL_TEST,))[path] == SQL_TEST
    assert owners([path], (SQL,), {"sql01": (path,)}, (SQL_TEST,))[path] == SQL
    assert owners([path], (SQL,), {}, (Vm(9, "SQL01-test"), SQL_TEST))[path] is None


def test_a_vm_by_the_beginning_of_a_luns_name_is_a_guess_and_so_is_any_while_a_name_is_not_known() -> None:
    same, longer = "/vol/v/SQL01", "/vol/v/sql01_data"
    of = owners([same, longer, "/vol/v/vmfs"], VMS)
    assert guesses(of, {}, VMS, ()) == {longer}
    assert guesses(of, {"sql01": (longer,)}, VMS, ()) == set()
    assert guesses(of, {}, VMS, (Vm(5),)) == {same, longer}


def test_two_vms_of_one_name_have_no_lun_by_it() -> None:
    path = "/vol/vmvol1/web01"
    assert owners([path], (Vm(1, "web01"), Vm(2, "WEB01")))[path] is None
    assert owners([path], (Vm(1, "web01"), Vm(2, "WEB01")), {"vm-2": (path,)})[path] == Vm(2, "WEB01")


def test_a_sign_that_no_luns_name_can_have_is_an_underscore_there() -> None:
    payroll = Vm(355, "hr/payroll")
    assert owners(["/vol/v/hr_payroll"], (payroll,)) == {"/vol/v/hr_payroll": payroll}
    assert owners(["/vol/v/hr_payroll"], (payroll, Vm(1, "hr_payroll"))) == {"/vol/v/hr_payroll": None}


def test_a_clone_of_snapall_is_no_vms_even_if_a_vm_is_called_snapall() -> None:
    path = "/vol/vmvol1/snapall_mnt_20070322T030000Z_sql01"
    assert owners([path], (Vm(1, "snapall"),))[path] is None


def test_a_vm_whose_name_cannot_be_read_has_luns_by_its_moref_alone() -> None:
    assert owners(["/vol/v/a"], (Vm(5),), {"VM-5": ("/vol/v/a",)}) == {"/vol/v/a": Vm(5)}


def test_entries_of_no_vm_are_named() -> None:
    assert unclaimed(VMS, {"SQL01": (), "gone01": (), "vm-131": ()}) == ("gone01",)


@given(st.lists(st.text("ab.-_", min_size=1, max_size=4), unique=True), st.text("ab.-_", min_size=1, max_size=6))
def test_every_lun_by_name_begins_with_its_vms_name(names: list[str], lun: str) -> None:
    vms = [Vm(n, name) for n, name in enumerate(names)]
    found = owners([f"/vol/v/{lun}"], vms)[f"/vol/v/{lun}"]
    if found is not None:
        assert found.name is not None
        assert lun.startswith(found.name)
        assert not any(lun == one for one in names if one != found.name)

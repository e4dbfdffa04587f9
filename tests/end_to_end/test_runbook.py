"""The run-book on the lab: a plain ssh client that follows it brings a LUN back, byte for byte."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.lunsites import LabLun, igroups_of
from snapall.lab.sites import SiteSpec
from tests.lab.atlab import AtLab
from tests.lab.sites import batch, with_neighbour

Make = Callable[..., AtLab]
DISK = "/vol/vmvol1/sql01"
OLD = {"pubkeys": ["rsa-sha2-256", "rsa-sha2-512"]}  # what such a filer does not know


def with_luns() -> SiteSpec:
    """The batch's site with LUNs: a VMFS and one for each VM."""
    site = batch()
    names = ("vmvol1_vmfs", "web01", "web02", "sql01")
    luns = tuple(LabLun(f"/vol/vmvol1/{name}", (("esx", n),)) for n, name in enumerate(names))
    return SiteSpec(site.hosts, site.datastores, site.vms, site.volumes, luns=luns, igroups=igroups_of(site.hosts))


def shelf(night: AtLab) -> Path:
    return night.lab.directory / "snapall.state" / "runbooks"


def book(night: AtLab) -> str:
    """The newest backup's run-book, as the run wrote it."""
    (found,) = shelf(night).glob("vol1-vmware_recent-*.txt")
    return found.read_text(encoding="ascii")


def commands(text: str, vm: str, way: str) -> list[list[str]]:
    """The shell lines of one way of a VM, up to the next heading, as words."""
    section = text.split(f"\n{way}" if not vm else f"VM {vm} ")[1]
    part = section if not vm else section.split(f"\n{way}")[1]
    part = re.split(r"\n(?=[A-D]\. |VM |When |Done |Remove |Rescan all)", part)[0]
    joined = re.sub(r" \\\n\s+", " ", part)
    return [shlex.split(line) for line in joined.split("\n") if line.startswith("    ssh ")]


@contextmanager
def plain_client(night: AtLab) -> Iterator[paramiko.SSHClient]:
    """A client that knows nothing of snapall but the run-book's login."""
    client = paramiko.SSHClient()
    client.load_host_keys(str(night.lab.directory / "known_hosts"))
    key = paramiko.RSAKey.from_private_key_file(str(night.lab.directory / "id_rsa"))
    words = commands(book(night), "", "Before anything")[0]
    user, _, host = words[3].partition("@")
    client.connect(host, int(words[2]), user, pkey=key, allow_agent=False, look_for_keys=False, disabled_algorithms=OLD)
    try:
        yield client
    finally:
        client.close()


def follow(night: AtLab, lines: list[list[str]]) -> None:
    """Type the lines, as ssh would send them: words joined by blanks."""
    assert lines
    for words in lines:
        with plain_client(night) as client:
            _, out, err = client.exec_command(" ".join(words[4:]))
            assert (out.read(), err.read()) == (b"", b""), words


@pytest.fixture
def night(at_lab: Make) -> AtLab:
    """A lab after one backup, whose disk was changed since."""
    made = at_lab(site=with_luns(), transport="ssh", runbook=True)
    made.world.write_lun(DISK, 4096, b"as of the backup")
    assert made("run").code == 0
    return made


def test_the_run_book_alone_brings_a_lun_back_in_place(night: AtLab) -> None:
    before, others = night.world.read_lun(DISK), night.world.read_lun("/vol/vmvol1/web01")
    night.world.write_lun(DISK, 4096, b"damaged since.......")
    file, maps = night.world.device(DISK), [one for one in listed(night) if DISK in one]
    follow(night, commands(book(night), "sql01", "B. "))
    assert night.world.read_lun(DISK) == before
    assert night.world.read_lun("/vol/vmvol1/web01") == others
    assert (night.world.device(DISK), [one for one in listed(night) if DISK in one]) == (file, maps)


def test_the_run_book_alone_swaps_a_clone_in_with_serial_and_lun_id(night: AtLab) -> None:
    before = night.world.read_lun(DISK)
    night.world.write_lun(DISK, 4096, b"damaged since.......")
    file, maps = night.world.device(DISK), [one for one in listed(night) if DISK in one]
    follow(night, commands(book(night), "sql01", "C. "))
    assert night.world.read_lun(DISK) == before
    assert (night.world.device(DISK), [one for one in listed(night) if DISK in one]) == (file, maps)
    (old,) = [one for one in night.world.luns("vmvol1") if "snapall_old" in one]
    assert b"damaged since" in night.world.read_lun(old)


@pytest.mark.parametrize("vm", ["sql01", "web02"])
def test_the_run_book_alone_shows_files_to_the_helper_and_takes_the_clone_down(night: AtLab, vm: str) -> None:
    disk = f"/vol/vmvol1/{vm}"
    before = night.world.read_lun(disk)
    night.world.write_lun(disk, 4096, b"since")
    luns = night.world.luns("vmvol1")
    follow(night, commands(book(night), vm, "A. "))
    (clone,) = set(night.world.luns("vmvol1")) - set(luns)
    assert night.world.read_lun(clone) == before
    assert night.world.device(clone).read_bytes() == before  # as the helper sees it
    assert b"since" in night.world.read_lun(disk)
    section = book(night).split(f"VM {vm} ")[1]
    follow(night, commands(f"VM {vm} {section}", vm, "Remove the disk"))
    assert night.world.luns("vmvol1") == luns


def test_the_run_book_alone_brings_the_whole_volume_back(night: AtLab) -> None:
    paths = night.world.luns("vmvol1")
    before = {path: night.world.read_lun(path) for path in paths}
    for path in paths:
        night.world.write_lun(path, 8192, b"damaged since")
    (line,) = [one for one in commands(book(night), "", "D. A whole volume") if "restore" in one]
    with plain_client(night) as client:
        _, out, _ = client.exec_command(" ".join(line[4:]))
        assert b"revert successful" in out.read()
    assert {path: night.world.read_lun(path) for path in paths} == before


def listed(night: AtLab) -> list[str]:
    """The rows of `lun show -m`."""
    with plain_client(night) as client:
        _, out, _ = client.exec_command("lun show -m")
        return out.read().decode().splitlines()


def test_a_run_book_keeps_the_lun_of_a_vm_of_another_job_apart(at_lab: Make) -> None:
    night = at_lab(site=with_neighbour(with_luns(), "web01-test"), runbook=True)
    assert night("run").code == 0
    (path,) = shelf(night).glob("*.txt")
    of_vms, rest = path.read_text(encoding="ascii").split("LUNs of no VM of this backup")
    assert "web01-test" not in of_vms
    assert "of VM web01-test" in rest


def test_run_books_follow_their_backups_names_and_go_with_them(night: AtLab) -> None:
    for _ in range(4):
        assert night("run").code == 0
    names = sorted(path.name.rpartition("-")[0] for path in shelf(night).glob("*.txt"))
    assert names == [f"vol1-{one}" for one in ("vmware_previous", "vmware_recent", "vmware_snap3", "vmware_snap4")]
    assert len(list(shelf(night).iterdir())) == 3 * 4
    (older,) = shelf(night).glob("vol1-vmware_snap3-*.txt")
    assert "-s vmware_snap3" in older.read_text(encoding="ascii")
    assert "vmware_recent" not in older.read_text(encoding="ascii").split("Before anything")[0]


def test_a_run_that_knows_of_no_backup_removes_no_run_book(night: AtLab) -> None:
    before = {path.name for path in shelf(night).iterdir()}
    shutil.rmtree(night.lab.directory / "snapall.state" / "journals")
    night.fault(Fault("snap create", FaultKind.FAIL, times=0))
    assert night("run").code == 1
    assert {path.name for path in shelf(night).iterdir()} == before


def test_nothing_is_asked_of_the_luns_while_a_vm_is_quiesced(night: AtLab) -> None:
    asked = [entry for entry in night.ledger if entry.system == "filer" and entry.command.startswith(("lun", "igroup"))]
    assert asked
    assert not any(entry.quiesced for entry in asked)


def test_luns_that_cannot_be_read_stand_in_the_run_book_and_are_asked_for_once(at_lab: Make) -> None:
    night = at_lab(site=with_luns(), runbook=True)
    night.fault(Fault("lun", FaultKind.FAIL, text="lun: not licensed", times=0))
    ended = night("run")
    assert (ended.code, ended.err.count("SA-18")) == (0, 0), ended.err
    assert "NOT READ:" in book(night)
    assert asked_for_luns(night) == ["lun show -v"]


def test_a_filer_without_a_lun_gets_a_run_book_that_says_so_and_no_warning(at_lab: Make) -> None:
    night = at_lab(runbook=True)
    for _ in range(2):
        ended = night("run")
        assert (ended.code, ended.err.count("SA-18")) == (0, 0), ended.err
    assert "lists no LUN at all" in " ".join(book(night).split())
    assert asked_for_luns(night) == ["lun show -v"] * 2


def test_no_second_timeout_is_spent_on_a_run_book(at_lab: Make) -> None:
    night = at_lab(site=with_luns(), runbook=True)
    night.limits(filer=5)
    night.fault(Fault("lun show", FaultKind.HANG, times=0), Fault("igroup show", FaultKind.HANG, times=0))
    assert night("run").code == 0
    assert asked_for_luns(night) == ["lun show -v"]


def asked_for_luns(night: AtLab) -> list[str]:
    words = ("lun", "igroup")
    return [one.command for one in night.ledger if one.system == "filer" and one.command.startswith(words)]


def test_a_run_book_that_cannot_be_written_is_a_warning_and_the_backup_is_whole(at_lab: Make) -> None:
    night = at_lab(site=with_luns(), runbook=True)
    shelf(night).parent.mkdir(mode=0o700)
    shelf(night).write_text("in the way", encoding="ascii")
    ended = night("run")
    assert ended.code == 0
    assert "SA-1802" in ended.err
    night.assert_shifted_by_one()


def test_no_run_book_is_written_where_the_job_wants_none(at_lab: Make) -> None:
    night = at_lab(site=with_luns())
    assert night("run").code == 0
    assert not shelf(night).exists()
    assert not [entry for entry in night.ledger if entry.system == "filer" and entry.command.startswith("lun")]


def test_the_command_prints_what_the_run_wrote_without_asking_anybody(night: AtLab, tmp_path: Path) -> None:
    before = len(list(night.ledger))
    assert night("runbook", "vol1").out == book(night)
    assert night("runbook", "vol1", "vmware_recent").out == book(night)
    page = tmp_path / "book.html"
    assert night("runbook", "vol1", "--html", str(page)).out == ""
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert len(list(night.ledger)) == before


def test_programs_get_the_luns_the_vms_and_the_very_commands_of_the_text(night: AtLab) -> None:
    found = json.loads(night("runbook", "vol1", "--json").out)
    assert (found["job"], found["grade"], found["troubles"]) == ("vol1", "quiesced 3/3", [])
    assert found["snapshots"] == [{"volume": "vmvol1", "name": "vmware_recent", "date": night.chain()["vmware_recent"]}]
    (lun,) = [one for one in found["luns"] if one["path"] == DISK]
    assert (lun["vm"], lun["maps"]) == ("vm-1226", [{"igroup": "esx", "id": 3, "protocol": "iSCSI"}])
    assert [one["name"] for one in found["vms"]] == ["web01", "web02", "sql01"]
    mine = [one["command"] for one in found["commands"] if one["chapter"].startswith("VM sql01 ")]
    assert [shlex.split(one) for one in mine if " snap restore " in one] == [
        words for words in commands(book(night), "sql01", "B. ") if "restore" in words
    ]


def test_a_backup_whose_run_noted_nothing_is_described_with_the_luns_of_now(at_lab: Make) -> None:
    night = at_lab(site=with_luns())
    assert night("run").code == 0
    ended = night("runbook", "vol1")
    assert ended.code == 0
    assert "later than the backup" in " ".join(ended.out.split())
    assert f"snap restore -f -t file -s vmware_recent {DISK}" in " ".join(ended.out.replace("\\\n", "").split())
    assert not shelf(night).exists()


def test_a_snapshot_that_snapall_did_not_make_has_no_run_book(night: AtLab) -> None:
    ended = night("runbook", "vol1", "vmware_snap4")
    assert (ended.code, ended.out) == (2, "")
    assert "SA-1800" in ended.err

"""The vmx copies of a run on the lab, from consoles that are SFTP servers: their own record shows what was read."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import paramiko
import pytest
from paramiko.sftp import SFTP_PERMISSION_DENIED

from snapall.lab import databases
from snapall.lab.config_file import string
from snapall.lab.databases import connect
from snapall.lab.sites import LabVm, SiteSpec
from tests.lab.atlab import AtLab
from tests.lab.sites import batch
from tests.platforms import posix
from tests.restore.esx import PASSWORD, USER, VM_FOLDER, Esx, File, texts
from tests.waiting import PATIENCE

VMS = ("web01", "web02", "sql01")
_key = cache(lambda: paramiko.RSAKey.generate(1024))


def two_hosts() -> SiteSpec:
    """web01 and sql01 on esx01, web02 on esx02."""
    site = batch()
    vms = tuple(replace(vm, host=12) if vm.name == "web02" else vm for vm in site.vms)
    return replace(site, hosts=((11, "esx01.example.edu"), (12, "esx02.example.edu")), vms=vms)


class Site:
    """A lab with consoles, and a job that copies from them."""

    def __init__(self, lab: AtLab, consoles: tuple[Esx, Esx], extra: str = "") -> None:
        self.lab = lab
        self.esx01, self.esx02 = consoles
        self.folder = lab.lab.directory / "copies"
        known = lab.lab.directory / "known_hosts.esx"
        known.write_text("".join(one.known_host for one in consoles))
        with lab.config.open("a") as file:
            file.write(
                f'\n[jobs.vol1.vmx]\nfolder = {string(str(self.folder))}\nuser = "{USER}"\npassword = "{PASSWORD}"\n'
                f"known_hosts = {string(str(known))}\nport = {self.esx01.port}\ntimeout = {PATIENCE}\n"
                f'hosts = {{ "esx01" = "{self.esx01.address}", "ESX02.example.edu" = "{self.esx02.address}" }}\n{extra}'
            )

    def move(self, vm: int, host: int) -> None:
        """VirtualCenter's own record of a VMotion."""
        with closing(connect(self.lab.lab.directory / "virtualcenter.db")) as vc:
            vc.execute(databases.VM_MOVED, (host, vm))
            vc.commit()

    @property
    def generations(self) -> list[Path]:
        return sorted(one for one in (self.folder / "vol1").iterdir() if one.is_dir())

    def copied(self, vm: str) -> dict[str, bytes]:
        """The newest copy of a VM."""
        folder = self.generations[-1] / vm
        return {one.name: one.read_bytes() for one in folder.iterdir()} if folder.is_dir() else {}


@pytest.fixture
def consoles() -> Iterator[tuple[Esx, Esx]]:
    with ExitStack() as stack:
        first = stack.enter_context(closing(Esx("127.0.0.1", _key())))
        yield first, stack.enter_context(closing(Esx("127.0.0.2", _key(), first.port)))


@pytest.fixture
def site(at_lab: Callable[..., AtLab], consoles: tuple[Esx, Esx]) -> Site:
    consoles[0].vm("web01")
    consoles[0].vm("sql01")
    consoles[1].vm("web02")
    return Site(at_lab(site=two_hosts()), consoles)


def test_a_backup_brings_the_texts_of_every_vm_and_no_disk(site: Site) -> None:
    ran = site.lab("run")
    assert ran.code == 0, ran.err
    for vm in VMS:
        assert site.copied(vm) == texts(vm)
    read = {path.rpartition("/")[2] for one in (site.esx01, site.esx02) for path in one.opened}
    assert read == {name for vm in VMS for name in texts(vm)}
    assert (site.esx01.logins, site.esx02.logins) == (1, 1)


@posix("Windows has no umask")
def test_the_copies_are_for_their_owner_alone(site: Site) -> None:
    before = os.umask(0)
    try:
        site.lab("run")
    finally:
        os.umask(before)
    for path in (site.folder / "vol1").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_job_without_the_table_contacts_no_host(at_lab: Callable[..., AtLab], consoles: tuple[Esx, Esx]) -> None:
    assert at_lab(site=two_hosts())("run").code == 0
    assert consoles[0].logins == 0


def test_nothing_is_copied_before_every_vm_is_released(site: Site) -> None:
    quiesced: list[int] = []
    vmx = site.esx01.files[f"{VM_FOLDER}/web01/web01.vmx"]
    vmx.on_read = lambda: quiesced.append(len(site.lab.world.quiesced()))
    site.lab("run")
    assert set(quiesced) == {len(site.lab.foreign)}


def test_the_plan_says_what_is_copied_after_the_backup(site: Site) -> None:
    assert f"after the backup: sftp {USER}@HOST" in site.lab("plan").out
    assert str(site.folder / "vol1") in json.loads(site.lab("plan", "--json").out)["plans"][0]["vmx"]
    assert site.esx01.logins == 0


def test_a_run_without_a_backup_copies_nothing(site: Site) -> None:
    site.lab.fault("filer-down")
    assert site.lab("run").code == 1
    assert (site.esx01.logins, site.folder.exists()) == (0, False)


def test_a_host_that_is_down_makes_the_backup_partial_and_names_its_vms(site: Site) -> None:
    site.esx01.close()
    ran = site.lab("run")
    assert ran.code == 3
    assert "SA-1840" in ran.err
    assert "web01" in ran.err
    assert "sql01" in ran.err
    assert site.copied("web02") == texts("web02")
    site.lab.assert_shifted_by_one()


def test_a_vm_that_moved_between_query_and_copy_is_read_where_it_is_now(site: Site) -> None:
    """The files of a running VM are locked for every other host."""
    locked = File(fail=SFTP_PERMISSION_DENIED)
    site.esx01.vm("web01", **{"web01.vmx": locked, "web01.nvram": locked})
    site.esx01.files[f"{VM_FOLDER}/web01/web01.vmsd"].on_read = lambda: site.move(108, 12)
    site.esx02.vm("web01")
    ran = site.lab("run")
    assert ran.code == 0, ran.err
    assert site.copied("web01") == texts("web01")


def test_a_vm_that_did_not_move_is_not_tried_again(site: Site) -> None:
    site.esx01.vm("web01", **{"web01.nvram": File(fail=SFTP_PERMISSION_DENIED)})
    ran = site.lab("run")
    assert ran.code == 3
    assert "web01.nvram cannot be copied" in ran.err
    assert site.esx01.opened.count(f"{VM_FOLDER}/web01/web01.vmx") == 1
    kept = dict(texts("web01"))
    del kept["web01.nvram"]
    assert site.copied("web01") == kept


HOSTILE: dict[str, File] = {
    "../../../escaped.vmx": File(b"x"),
    "/etc/escaped.vmx": File(b"x"),
    "link.vmx": File(b"x", stat.S_IFLNK | 0o777),
    "device.vmx": File(b"x", stat.S_IFBLK | 0o600),
    "pipe.vmx": File(b"x", stat.S_IFIFO | 0o600),
    "folder.vmx": File(b"x", stat.S_IFDIR | 0o700),
    "huge.vmdk": File(b"# Disk DescriptorFile", size=1 << 30),
    "data.vmdk": File(b"\0" * 4096),
    'odd:na<me>|?.vmx"\\.vmx': File(b"odd"),
}


def test_a_hostile_console_writes_nothing_outside_its_vms_folder(site: Site) -> None:
    site.esx01.vm("web01", **HOSTILE)
    ran = site.lab("run")
    assert ran.code == 0, ran.err
    assert ran.err.count("SA-1849") == 2  # the two names that leave their folder
    kept = "odd%3ana%3cme%3e%7c%3f.vmx%22%5c.vmx"
    assert site.copied("web01") == {**texts("web01"), kept: b"odd"}
    record = json.loads((site.generations[-1] / "generation.json").read_text())
    assert next(one for one in record["vms"] if one["folder"] == "web01")["files"][kept] == 'odd:na<me>|?.vmx"\\.vmx'
    assert not list(site.lab.lab.directory.parent.rglob("escaped*"))


@pytest.mark.parametrize("record", ["[" * 100_000, '{"taken": {}, "vms": 7}', "", "null"])
def test_a_copy_whose_record_makes_no_sense_stops_no_command(site: Site, record: str) -> None:
    assert site.lab("run").code == 0
    (site.generations[-1] / "generation.json").write_text(record)
    for command in ("list", "run"):
        ended = site.lab(command)
        assert ended.code == 0, ended.err


def test_a_file_that_grows_without_end_is_cut_off_with_a_warning(site: Site) -> None:
    site.esx01.vm("web01", **{"web01.vmsd": File(b"x", endless=True)})
    ran = site.lab("run")
    assert ran.code == 0, ran.err
    assert '"web01.vmsd" was cut off after 1048576 bytes' in ran.err
    assert len(site.copied("web01")["web01.vmsd"]) == 1 << 20


def test_a_console_that_sends_without_end_is_refused_and_costs_one_vm(site: Site) -> None:
    site.esx01.vm("web01", **{f"disk{n:02d}.nvram": File(b"x", endless=True) for n in range(40)})
    site.esx02.vm("web02", **{f"disk{n}.vmdk": File(b"# Disk DescriptorFile") for n in range(200)})
    ran = site.lab("run")
    assert ran.code == 3
    assert "the VM's files have more than 16 times `max_bytes` together" in ran.err
    assert "it lists 205 files to copy, more than a VM has" in ran.err
    assert len([path for path in site.esx01.opened if ".nvram" in path and "disk" in path]) == 16
    assert site.copied("sql01") == texts("sql01")


def test_names_with_blanks_and_encoded_slashes_are_copied_as_they_are(
    at_lab: Callable[..., AtLab], consoles: tuple[Esx, Esx]
) -> None:
    base = two_hosts()
    odd = (LabVm(110, "a b", 11, (688,)), LabVm(111, "hr/payroll", 11, (688,)))
    site = Site(at_lab(site=replace(base, vms=odd)), consoles)
    consoles[0].vm("a b")
    consoles[0].vm("hr%2fpayroll")
    ran = site.lab("run")
    assert ran.code == 0, ran.err
    assert site.copied("a b") == texts("a b")
    assert site.copied("hr%2fpayroll") == texts("hr%2fpayroll")


def test_a_wrong_login_and_an_unknown_host_key_are_told_with_their_remedies(site: Site) -> None:
    site.lab.edit(f'password = "{PASSWORD}"', 'password = "hunter3"')
    ran = site.lab("run")
    assert ran.code == 3
    assert "SA-1843 the vmx files of" in ran.err
    assert "hunter" not in ran.err
    (site.lab.lab.directory / "known_hosts.esx").write_text("")
    ran = site.lab("run")
    assert "SA-1842" in ran.err
    assert "add this line to" in ran.err
    assert site.esx01.logins == 1  # no password is said to a stranger


def test_a_console_without_sftp_is_named(site: Site) -> None:
    site.esx01.sftp = False
    assert "SA-1844" in site.lab("run").err


def test_a_console_that_never_answers_costs_its_timeout_and_no_more(site: Site) -> None:
    hang = threading.Event()
    site.esx01.files[f"{VM_FOLDER}/web01/web01.vmx"].on_read = hang.wait
    site.lab.edit(f"timeout = {PATIENCE}", "timeout = 2")
    ran = site.lab("run")
    hang.set()
    assert ran.code == 3
    assert "SA-1845" in ran.err
    assert site.copied("web02") == texts("web02")


def test_a_signal_ends_the_copies_at_once_and_the_backup_stands(site: Site) -> None:
    hang = threading.Event()

    def struck() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        hang.wait()

    site.esx01.files[f"{VM_FOLDER}/web01/web01.vmx"].on_read = struck
    ran = site.lab("run")
    hang.set()
    assert ran.code == 3
    assert "SA-1850" in ran.err
    site.lab.assert_shifted_by_one()


def test_a_generation_goes_with_its_backup_and_keeps_its_folder_when_names_rotate(site: Site) -> None:
    site.lab.edit("retain      = 4", "retain      = 2")
    for _ in range(2):
        assert site.lab("run").code == 0
    first, second = site.generations
    assert site.lab("run").code == 0
    assert site.generations[0] == second
    assert not first.exists()
    index = (site.folder / "vol1" / "index.txt").read_text()
    assert f"{second.name}  3/3 VMs\n    vmware_previous on vmvol1" in index
    assert index.index("vmware_recent") < index.index("vmware_previous")


def test_a_lost_journal_costs_no_generation(site: Site) -> None:
    assert site.lab("run").code == 0
    kept = site.generations[0]
    for journal in (site.lab.lab.directory / "snapall.state" / "journals").iterdir():
        journal.unlink()
    assert site.lab("run").code in {0, 3}
    assert kept in site.generations


def test_what_is_no_generation_of_ours_is_left_alone(site: Site) -> None:
    assert site.lab("run").code == 0
    job = site.folder / "vol1"
    (job / "20010101T000000Z").mkdir()
    (job / "20010102T000000Z.part").mkdir()
    (job / "mine").mkdir()
    (job / "20010103T000000Z").symlink_to(site.lab.lab.directory)
    assert site.lab("run").code == 0
    names = {one.name for one in job.iterdir()}
    assert {"20010101T000000Z", "mine", "20010103T000000Z"} <= names
    assert "20010102T000000Z.part" not in names  # begun by a run that died


@posix("Windows limits no process's files")
def test_a_full_disk_costs_the_copies_and_not_the_backup(site: Site) -> None:
    assert site.lab("run").code == 0
    before = {path: path.read_bytes() for path in site.generations[0].rglob("*") if path.is_file()}
    site.esx02.vm("web02", **{"web02.vmsd": File(b"x" * (1 << 20))})
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, limits[1]))
    try:
        ran = site.lab("run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ran.code == 3
    assert "SA-1848" in ran.err
    assert "web02" in ran.err
    assert {path: path.read_bytes() for path in before} == before
    assert site.copied("sql01") == texts("sql01")


def test_list_and_show_say_which_backup_has_its_copies(site: Site) -> None:
    site.esx02.close()
    assert site.lab("run").code == 3
    rows = json.loads(site.lab("list", "--json").out)["snapshots"]
    assert {one["name"]: one["vmx"] for one in rows}["vmware_recent"] == "2/3"
    assert {one["vmx"] for one in rows if one["name"] != "vmware_recent"} == {None}
    assert "vmx" in site.lab("list").out.splitlines()[0]
    assert "vmx files copied for 2/3 VMs" in site.lab("show").out
    assert json.loads(site.lab("show", "--json").out)["vmx"] == "2/3"


def test_the_run_book_names_each_copy_with_its_digest_and_what_is_missing(site: Site) -> None:
    site.esx02.close()
    assert site.lab("run").code == 3
    book = " ".join(site.lab("runbook", "vol1").out.replace("\\\n", "\n").split())
    web02, sql01 = (book.split(f"VM {name} (")[1] for name in ("web02", "sql01"))
    folder = site.generations[-1] / "sql01"
    for name, data in site.copied("sql01").items():
        assert f"{name} SHA-256 {sha256(data).hexdigest()}" in sql01
    assert f"copied from esx01.example.edu:{VM_FOLDER}/sql01 to {folder}" in sql01
    assert f"scp -p {folder}/sql01.vmx root@esx01.example.edu:{VM_FOLDER}/sql01/sql01.vmx" in sql01
    assert re.search(r"NOT ALL COPIED: .*esx02.*There is no copy of its vmx files", web02)


def test_each_run_book_names_the_copies_of_its_own_backup(site: Site) -> None:
    site.lab("run")
    first = site.generations[-1]
    site.esx01.vm("sql01", **{"sql01.nvram": File(b"changed since")})
    site.lab("run")
    assert str(first) in site.lab("runbook", "vol1", "vmware_previous").out.replace("\\\n", "")
    assert str(first) not in site.lab("runbook", "vol1", "vmware_recent").out


def test_the_doctor_tries_the_login_on_each_host(site: Site) -> None:
    found = site.lab("doctor")
    assert "ESX console of esx01.example.edu" in found.out
    assert "accepted; it has 2 VMs of the job" in found.out
    site.esx02.close()
    found = site.lab("doctor")
    assert found.code == 1
    assert "SA-1840" in found.out
    assert site.esx01.opened == []

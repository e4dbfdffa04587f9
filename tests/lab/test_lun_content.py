"""The content of the simulated LUNs: in snapshots, clones, splits, after SnapRestore, and as files."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from snapall.lab.diskimage import DATA, START, data_of, pristine
from snapall.lab.filershell import FilerShell
from snapall.lab.ledger import Change
from snapall.lab.sites import build
from snapall.lab.texts import Says
from tests.lab import external_actors
from tests.lab.lunshell import CLONE, SQL, clone, do, output, tags
from tests.lab.sites import with_luns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[FilerShell]:
    with build(tmp_path / "lab", with_luns().having(clock=NIGHT.timestamp())) as world:
        yield FilerShell(world)


def test_a_clone_reads_its_snapshot_and_keeps_its_own_writes(shell: FilerShell) -> None:
    shell.world.write_lun(SQL, DATA + 4090, b"across two blocks")
    output(shell, "snap create vmvol1 a")
    shell.world.write_lun(SQL, DATA + 4090, b"written later")
    clone(shell, "a")
    clone(shell, "vmware_recent", f"{CLONE}2")
    assert shell.world.read_lun(CLONE, DATA + 4090, 17) == b"across two blocks"
    assert shell.world.read_lun(f"{CLONE}2", DATA, 100) == data_of("sql01")[:100]
    shell.world.write_lun(CLONE, DATA + 4090, b"ACROSS")
    output(shell, "snap create vmvol1 b")
    shell.world.write_lun(CLONE, DATA + 4090, b"?")
    do(shell, f"lun clone create {CLONE}3 -o noreserve -b {CLONE} b")
    assert shell.world.read_lun(f"{CLONE}3", DATA + 4090, 17) == b"ACROSS two blocks"
    assert shell.world.read_lun(SQL, DATA + 4090, 17).startswith(b"written later")


def test_a_lun_ends_where_it_ends(shell: FilerShell) -> None:
    size = 8 * 1024**2
    shell.world.write_lun(SQL, size - 3, b"end")
    assert shell.world.read_lun(SQL, size - 3) == b"end"
    assert shell.world.read_lun(SQL, size + 3, 5) == b""
    with pytest.raises(ValueError, match="has only"):
        shell.world.write_lun(SQL, size - 2, b"end")
    with pytest.raises(KeyError):
        shell.world.read_lun("/vol/vmvol1/nosuch")


def test_a_device_is_there_only_while_its_lun_is_mapped_and_online(shell: FilerShell) -> None:
    clone(shell)
    device = shell.world.device(CLONE)
    assert not device.exists()
    do(shell, f"lun map {CLONE} spare")
    assert not device.exists(), "nobody is logged in there"
    do(shell, f"lun unmap {CLONE} spare", f"lun map {CLONE} helper")
    assert device.read_bytes() == shell.world.read_lun(CLONE)
    shell.world.write_lun(CLONE, DATA, b"changed")
    assert device.read_bytes()[DATA : DATA + 7] == b"changed"
    do(shell, f"lun offline {CLONE}")
    assert not device.exists()
    do(shell, f"lun online {CLONE}")
    assert device.stat().st_size == 8 * 1024**2
    do(shell, f"lun unmap {CLONE} helper")
    assert not device.exists()


def test_a_disk_begins_with_a_partition_table_and_a_file_system(shell: FilerShell) -> None:
    disk = shell.world.read_lun(SQL)
    assert (disk[510:512], disk[450], disk[START + 1080 : START + 1082]) == (b"\x55\xaa", 0x83, b"\x53\xef")
    windows = shell.world.read_lun("/vol/vmvol1/web02")
    assert (windows[450], windows[START + 3 : START + 11]) == (0x07, b"NTFS    ")
    assert windows[START : START + 512] == windows[-512:]
    assert shell.world.read_lun("/vol/vmvol1/vmvol1_vmfs", 450, 1) == b"\xfb"
    assert pristine("x", "nothing", 4096) == {}


@pytest.mark.skipif(shutil.which("e2fsck", path="/sbin:/usr/sbin:/usr/bin") is None, reason="e2fsck is not here")
def test_e2fsck_finds_no_fault_in_the_file_system(shell: FilerShell, tmp_path: Path) -> None:
    image = tmp_path / "partition"
    image.write_bytes(shell.world.read_lun(SQL, START))
    program = shutil.which("e2fsck", path="/sbin:/usr/sbin:/usr/bin")
    assert program is not None
    ended = subprocess.run([program, "-fn", image], capture_output=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stdout


def test_a_restored_lun_has_the_old_content_at_once_and_the_filer_copies_on(shell: FilerShell) -> None:
    shell.world.write_lun(SQL, DATA, b"ruined")
    do(shell, f"snap restore -f -t file -s vmware_previous {SQL}")
    assert shell.world.read_lun(SQL, DATA, 6) == data_of("sql01")[:6]
    assert tags(shell) == {"vmware_previous": ("busy", "snap restore")}
    assert "(busy,snap restore)" in output(shell, "snap list -n vmvol1")
    assert output(shell, "snap create vmvol1 x") == Says.BLOCKED() + "\n"
    assert "already in progress" in output(shell, f"snap restore -f -t file -s vmware_recent {SQL}")
    assert "already in progress" in output(shell, "snap restore -f -t vol -s vmware_recent vmvol1")
    do(shell, "snap restore -f -t file -s vmware_recent /vol/vmvol1/web01")
    shell.world.write_lun(SQL, DATA, b"anew")
    shell.world.advance(3)
    assert tags(shell) == {}
    assert shell.world.read_lun(SQL, DATA, 4) == b"anew"
    assert "Maps: esx=3" in output(shell, f"lun show -v {SQL}")


def test_a_restored_volume_has_the_luns_maps_and_content_of_then_and_no_newer_snapshot(shell: FilerShell) -> None:
    shell.world.write_lun(SQL, DATA, b"before")
    before = output(shell, "lun show -v")
    output(shell, "snap create vmvol1 good")
    shell.world.write_lun(SQL, DATA, b"behind")
    clone(shell)
    do(shell, f"lun unmap {SQL} esx", "lun destroy -f /vol/vmvol1/web01", f"lun move {SQL} {SQL}.old")
    output(shell, "snap create vmvol1 later")
    assert output(shell, "snap restore -f -t vol -s good vmvol1") == "volume vmvol1: revert successful.\n"
    assert output(shell, "lun show -v") == before
    assert shell.world.read_lun(SQL, DATA, 6) == b"before"
    assert next(row.name for row in shell.world.listing("vmvol1")) == "good"
    shell.world.write_lun(SQL, DATA, b"behind")
    output(shell, "snap restore -f -t vol -s good vmvol1")
    assert shell.world.read_lun(SQL, DATA, 6) == b"before"


def test_a_restore_that_nobody_confirms_does_nothing(shell: FilerShell) -> None:
    assert "Are you sure" in output(shell, "snap restore -t vol -s vmware_recent vmvol1")
    assert "Are you sure" in output(shell, f"snap restore -t file -s vmware_recent {SQL}")
    assert not shell.world.ledger().effects


def test_without_its_licence_there_is_no_restore(shell: FilerShell) -> None:
    shell.world.set(licenses=())
    assert "not licensed" in output(shell, f"snap restore -f -t file -s vmware_recent {SQL}")


def test_a_split_frees_the_snapshot_and_forbids_new_ones_meanwhile(shell: FilerShell) -> None:
    clone(shell)
    do(shell, f"lun clone split start {CLONE}")
    assert output(shell, "snap create vmvol1 x") == Says.BLOCKED() + "\n"
    assert output(shell, f"lun clone create /vol/vmvol1/y -b {CLONE} vmware_recent").startswith("lun clone create: ")
    shell.world.advance(1.5)
    assert output(shell, "lun clone split status") == f"{CLONE}: 50% Complete\n"
    shell.world.advance(1.5)
    assert output(shell, "lun clone split status") == ""
    assert output(shell, f"lun clone split status {CLONE}") == Says.NO_SPLIT() + "\n"
    assert "Backed by" not in output(shell, f"lun show -v {CLONE}")
    assert tags(shell) == {}
    assert [one.change for one in shell.world.ledger().effects][-1] is Change.COPIED


def test_a_split_that_does_not_save_space_lets_snapshots_be_taken(shell: FilerShell) -> None:
    clone(shell)
    do(shell, f"lun clone split start -d {CLONE}")
    assert output(shell, "snap create vmvol1 x") == Says.CREATING() + "\n"


def test_a_split_that_was_stopped_leaves_a_clone(shell: FilerShell) -> None:
    clone(shell)
    do(shell, f"lun clone split start {CLONE}", f"lun clone split stop {CLONE}")
    shell.world.advance(60)
    assert tags(shell) == {"vmware_recent": ("busy", "LUNs")}


def test_a_panic_starts_a_split_anew(shell: FilerShell) -> None:
    clone(shell)
    do(shell, f"lun clone split start {CLONE}")
    shell.world.advance(2)
    external_actors.panic(shell.world)
    shell.world.advance(2)
    assert output(shell, "lun clone split status") == f"{CLONE}: 66% Complete\n"
    shell.world.advance(1)
    assert output(shell, "lun clone split status") == ""

"""docs/restore.md: the filer's commands of each case are given to the lab's filer, and bring back what they promise."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from snapall.lab.filershell import FilerShell
from snapall.lab.sites import SiteSpec, paper
from tests.docs.test_commands import ROOT
from tests.lab.atlab import AtLab

PAGE = (ROOT / "docs/restore.md").read_text(encoding="utf-8")
DISK, OTHER = "/vol/vmvol1/sql01", "/vol/vmvol1/web01"
VMFS = "/vol/vmvol1/vmvol1_vmfs"
WITH_THE_OPTION = "NetApp Release 7.3.5.1P5: Wed Jun 15 15:37:59 PDT 2011"
KINDS = {"filer", "host", "sh", "cron", "mirror"}


def commands(case: str, kind: str = "filer") -> list[str]:
    """The commands of a kind below a heading, up to the next one."""
    section = re.split(r"^##+ ", PAGE.split(f"# {case}\n")[1], flags=re.MULTILINE)[0]
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


class Damaged:
    """The paper's site after a backup, with some LUNs written to since."""

    def __init__(self, night: AtLab) -> None:
        self.night = night
        self.world = night.world
        assert night("run").code == 0
        self.good = {path: self.now(path) for path in (DISK, OTHER, VMFS)}
        for path in self.good:
            self.world.write_lun(path, 4096, b"damaged since the backup")
        self.bad = {path: self.now(path) for path in self.good}
        self.maps = self.shown("lun show -m")

    def now(self, path: str) -> bytes:
        """What a LUN holds."""
        return self.world.read_lun(path)

    def shown(self, command: str) -> str:
        """What the filer answers."""
        reply = FilerShell(self.world).answer(command, "ssh", "snapall")
        assert not reply.stderr, f"{command}: {reply.stderr}"
        return reply.stdout

    def snapall(self, line: str) -> None:
        """Type a command of snapall's."""
        words = line.split()
        assert words[0] == "snapall"
        ended = self.night(*words[1:])
        assert ended.code == 0, ended.out + ended.err

    def follow(self, lines: list[str]) -> None:
        """Give the filer these commands; a LUN command that changes something is silent when it works."""
        assert lines
        for line in lines:
            answer = self.shown(line)
            assert "show" in line or not line.startswith("lun ") or not answer, f"{line}: {answer}"


@pytest.fixture
def damaged(at_lab: Callable[..., AtLab]) -> Damaged:
    return Damaged(at_lab(site=all_off().having(version=WITH_THE_OPTION), runbook=True))


def all_off() -> SiteSpec:
    """The paper's site with its VMs powered off, as before a restore."""
    site = paper()
    return replace(site, vms=tuple(replace(vm, on=False) for vm in site.vms))


def test_every_block_of_the_page_is_of_a_known_kind() -> None:
    assert set(re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)) == KINDS


def test_a_lost_file_is_found_in_a_clone_that_leaves_no_trace(damaged: Damaged) -> None:
    lines, luns = commands("A user lost a file"), damaged.world.luns("vmvol1")
    shown = lines.index("lun show -m") + 1
    damaged.follow(lines[:shown])
    assert damaged.world.device("/vol/vmvol1/restore_sql01").read_bytes() == damaged.good[DISK]
    damaged.follow(lines[shown:])
    assert damaged.world.luns("vmvol1") == luns
    assert damaged.now(DISK) == damaged.bad[DISK]


def test_a_lost_file_is_found_in_a_mounted_backup_that_is_taken_down(damaged: Damaged) -> None:
    mount, unmount = commands("A user lost a file", "sh")
    luns = damaged.world.luns("vmvol1")
    damaged.snapall(mount)
    (clone,) = set(damaged.world.luns("vmvol1")) - set(luns)
    assert damaged.now(clone) == damaged.good[DISK]
    damaged.snapall(unmount)
    assert damaged.world.luns("vmvol1") == luns


@pytest.mark.parametrize(("case", "back"), [("A VM's disk", {DISK}), ("The datastore is gone", {DISK, OTHER, VMFS})])
def test_a_restore_shows_what_it_would_do_and_does_it_with_yes(damaged: Damaged, case: str, back: set[str]) -> None:
    show, act = commands(case, "sh")
    damaged.snapall(show)
    assert {path: damaged.now(path) for path in damaged.good} == damaged.bad
    damaged.snapall(act)
    assert {path for path in damaged.good if damaged.now(path) == damaged.good[path]} == back
    assert sorted(damaged.shown("lun show -m").split("\n")) == sorted(damaged.maps.split("\n"))


@pytest.mark.parametrize("case", ["A VM's disk", "Without the licence"])
def test_a_disk_comes_back_under_its_serial_and_lun_id_and_no_other_does(damaged: Damaged, case: str) -> None:
    file = damaged.world.device(DISK)
    damaged.follow(commands(case))
    assert damaged.now(DISK) == damaged.good[DISK]
    assert damaged.now(OTHER) == damaged.bad[OTHER]
    assert damaged.world.device(DISK) == file
    assert sorted(damaged.shown("lun show -m").split("\n")) == sorted(damaged.maps.split("\n"))


def test_a_vms_files_are_found_in_a_clone_of_the_vmfs_lun(damaged: Damaged) -> None:
    damaged.follow(commands("A VM's files"))
    assert damaged.world.device("/vol/vmvol1/restore_vmfs").read_bytes() == damaged.good[VMFS]
    assert damaged.now(VMFS) == damaged.bad[VMFS]


def test_a_volume_comes_back_with_all_its_luns_and_maps(damaged: Damaged) -> None:
    damaged.follow(commands("The datastore is gone"))
    assert {path: damaged.now(path) for path in damaged.good} == damaged.good
    assert damaged.shown("lun show -m") == damaged.maps

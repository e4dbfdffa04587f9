"""What the year must notice when a backup is used: planted in the lab's world, found by ledger and morning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from snapall.lab.filershell import FilerShell
from tests.lab import external_actors
from tests.year import lun_site, use_invariants
from tests.year.administrators import Administrators
from tests.year.incidents import Chance
from tests.year.lun_history import Use
from tests.year.setup import Setup
from tests.year.simulated_site import LabSite
from tests.year.site_history import SiteHistory
from tests.year.snaps import NAMES, Rules
from tests.year.year import NEW_YEAR, history_of

LUN, CLONE = "/vol/vmvol1/sql01", "/vol/vmvol1/snapall_mnt_20070101T120000Z_sql01"
CLONED = f"lun clone create {CLONE} -o noreserve -b {LUN} vmware_previous"
MAPPED = f"lun map {CLONE} helper"


class Watched:
    """A site, its history, and what administrators know of it."""

    def __init__(self, folder: Path) -> None:
        self.site = LabSite(folder, NEW_YEAR)
        self.site.configure(Setup())
        self.history: SiteHistory = history_of(self.site)
        self.serials = {path: one.serial for path, one in lun_site.seen(self.site.world).items()}
        self.people = Administrators(self.history, Chance(1))

    def command(self, use: Use, *commands: str) -> list[str]:
        """A command of snapall that sends these; what the ledger finds wrong with it."""
        shell = FilerShell(self.site.world)
        for one in commands:
            reply = shell.answer(one, "ssh", "snapall")
            assert not reply.stderr, reply.stderr
        self.history.read(self.site.news(), Rules("safe", NAMES[:4], ("vmvol1",), use=use))
        wrong, self.history.wrong = self.history.wrong, []
        return wrong

    def mounted(self) -> None:
        assert self.command(Use("mount", (LUN,)), CLONED, MAPPED) == []
        self.people.standing["20070101T120000Z"] = (CLONE,)

    def morning(self) -> list[str]:
        return list(use_invariants.in_the_morning(self.site, self.history.luns, self.people, self.serials))


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path / "world")
    yield made
    made.site.world.close()


@pytest.mark.parametrize(
    ("use", "command", "wrong"),
    [
        (Use(""), "lun offline /vol/vmvol1/print01", "a run changed what is not its own"),
        (Use(""), "snap restore -f -t vol -s vmware_recent vmvol1", "a run put volume vmvol1 back"),
        (Use("verify"), f"lun offline {LUN}", "verify changed what is not its own"),
        (Use("recover"), f"lun unmap {CLONE} helper", "recover changed what is not its own"),
        (Use("unmount", clones=("another",)), f"lun offline {CLONE}", "unmount changed what is not its own"),
        (Use("mount", (LUN,)), f"lun map {CLONE} esx", "mount changed what is not its own"),
        (Use("restore", ("/vol/vmvol1/web01",)), f"snap restore -f -t file -s vmware_recent {LUN}", "restore changed"),
        (Use("mount", (LUN,)), "snap delete vmvol1 vmware_recent", "mount did what only a run does"),
    ],
)
def test_the_ledger_shows_who_touched_what_is_not_its_own(watched: Watched, use: Use, command: str, wrong: str) -> None:
    watched.mounted()
    assert [text[: len(wrong)] for text in watched.command(use, command)][:1] == [wrong]


def test_a_clone_is_mapped_to_the_helpers_alone(watched: Watched) -> None:
    (wrong,) = watched.command(Use("mount", (LUN,)), CLONED, f"lun map {CLONE} esx")
    assert wrong.startswith(f"{CLONE} was mapped elsewhere")


def test_a_quiet_morning_finds_nothing(watched: Watched) -> None:
    assert watched.morning() == []


def test_the_morning_finds_a_clone_that_no_journal_explains(watched: Watched) -> None:
    watched.command(Use("verify"), CLONED)
    assert watched.morning() == [f"{CLONE} is there, and `status` does not show it"]


def test_the_morning_finds_a_mount_that_is_gone(watched: Watched) -> None:
    watched.mounted()
    watched.command(Use("mount"), f"lun unmap {CLONE} helper")
    assert any("was taken down without a command" in text for text in watched.morning())


def test_the_morning_finds_a_disk_that_nobody_wrote(watched: Watched) -> None:
    watched.site.world.write_lun(LUN, lun_site.PLACES[0], b"not its VM's")
    assert [text.partition("; ")[2][:30] for text in watched.morning()] == ["last written or restored was b"]


def test_a_restored_disk_holds_what_the_backup_holds(watched: Watched) -> None:
    content = lun_site.write(watched.site.world, [LUN], "day 1")
    watched.history.luns.written(LUN, content)
    assert watched.morning() == []
    restore = f"snap restore -f -t file -s vmware_recent {LUN}"
    assert watched.command(Use("restore", (LUN,)), restore) == []
    assert watched.history.luns.disks[LUN].content != content
    assert watched.morning() == []


def test_the_morning_finds_a_lun_out_of_its_place(watched: Watched) -> None:
    watched.command(Use("restore", (LUN,)), f"lun offline {LUN}")
    assert any("is not as it was, and no open journal names it" in text for text in watched.morning())


def test_the_morning_finds_a_relation_without_its_base(watched: Watched) -> None:
    base = next(row.name for row in watched.site.world.listing("vmvol1") if "mirror" in row.name)
    external_actors.remove_filer_snapshot(watched.site.world, "vmvol1", base)
    assert watched.morning() == ["the base of filer2:vmvol1_mirror is gone"]

"""Thirty nights of one seed, in a process of their own, since the year forks its commands."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapall.lab.filershell import FilerShell
from snapall.lab.vcbsnapshot import vcbsnapshot
from tests.year.simulated_site import LabSite
from tests.year.site_history import SiteHistory
from tests.year.snaps import NAMES, Rules
from tests.year.year import NEW_YEAR
from tests.years.turns import Turns

ROOT = Path(__file__).parents[2]


def test_every_promise_holds_every_morning_of_a_month() -> None:
    words = [sys.executable, "-W", "error", "-m", "tests.year", "--nights", "30", "--seed", "2"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.stdout.endswith("seed 2: 30 nights, 0 broken promises\n"), ran.stdout + ran.stderr
    assert ran.returncode == 0
    assert ran.stdout.startswith("2007-01: 30 nights, ")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[LabSite]:
    made = LabSite(tmp_path / "world", NEW_YEAR)
    yield made
    made.world.close()


RULES = Rules("safe", NAMES[:4], ("vmvol1",))


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("snap delete vmvol1 hourly.0", "hourly.0 was deleted on vmvol1: neither the oldest of the chain"),
        ("snap delete vmvol1 vmware_snap4", "vmware_snap4 was deleted on vmvol1 before a new backup was confirmed"),
        ("snap rename vmvol1 vmware_snap4 mine", "vmware_snap4 was renamed to mine on vmvol1: not a name of the chain"),
        ("snap create vmvol1 vmware_snap9", "a filer snapshot vmware_snap9 was created in order safe"),
        ("-d moref:vm-2001 ssid:snapshot-1200", "somebody else's VM snapshot snapshot-1200 (Quiesce) was removed"),
    ],
)
def test_the_site_history_reports_what_snapall_must_never_do(site: LabSite, command: str, wrong: str) -> None:
    history = SiteHistory.of({"vmvol1": [row.name for row in site.world.listing("vmvol1")]})
    perform(site, command)
    history.read(site.world.ledger(), RULES)
    assert [text[: len(wrong)] for text in history.wrong] == [wrong]


def test_a_backup_without_a_quiesced_vm_that_was_not_read_back_must_not_be_published(site: LabSite) -> None:
    history = SiteHistory.of({"vmvol1": [row.name for row in site.world.listing("vmvol1")]})
    perform(site, "snap create vmvol1 vmware_new_20070101T073000Z-k3x9")
    perform(site, "snap delete vmvol1 vmware_recent")
    perform(site, "snap rename vmvol1 vmware_new_20070101T073000Z-k3x9 vmware_recent")
    history.read(site.world.ledger(), RULES)
    assert any("before it was read back" in text for text in history.wrong)
    assert any("although it holds no quiesced VM" in text for text in history.wrong)


def perform(site: LabSite, command: str) -> None:
    if command.startswith("snap"):
        FilerShell(site.world).answer(command, "ssh", "snapall")
    else:
        login = ("-h", "vc01.lab", "-u", site.world.settings.vc_user, "-p", site.world.settings.vc_password)
        vcbsnapshot(site.world, (*login, *command.split()))


def test_a_program_that_hangs_for_hours_takes_no_time_and_others_go_on() -> None:
    turns = Turns(1000.0, seed=1)
    ended: list[tuple[str, float]] = []
    done = threading.Event()

    def hang() -> None:
        turns.pause(7200)
        ended.append(("hung", turns.now))
        done.set()

    turns.start(hang)
    assert not turns.wait(done, lambda: turns.now >= 1900)
    ended.append(("gave up", turns.now))
    assert turns.wait(done, lambda: False)
    assert ended == [("gave up", 1900.0), ("hung", 8200.0)]


def test_the_same_seed_gives_the_same_year(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.year", "--nights", "3", "--seed", "4", "--keep"]
    for name in ("one", "other"):
        subprocess.run([*words, str(tmp_path / name)], capture_output=True, check=True, cwd=ROOT)
    one, other = ((tmp_path / name / "ledger.jsonl").read_text() for name in ("one", "other"))
    assert one
    assert one == other

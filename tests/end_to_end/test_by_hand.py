"""Commands that a person gives by hand: the lab's ledger shows what they did, and what they left alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from snapall.lab.config_file import string
from snapall.lab.faults import Fault, FaultKind
from tests.lab import external_actors
from tests.lab.atlab import AtLab, two_volumes, without_stamps

Make = Callable[..., AtLab]


def sent(night: AtLab, *args: str) -> list[str]:
    """The changing commands that one more command of snapall sends; it exits with 0."""
    before = len(night.changes)
    ended = night(*args)
    assert ended.code == 0, ended.err
    return night.changes[before:]


# run --if-older-than


def test_a_second_run_within_the_age_sends_nothing_and_says_so_everywhere(at_lab: Make) -> None:
    night = at_lab()
    assert night("run").code == 0
    chain, before = night.chain(), len(night.changes)
    ended = night("run", "--if-older-than", "20h")
    assert (ended.code, night.changes[before:], night.chain()) == (0, [], chain)
    assert "no backup is due: the backup of run" in ended.err
    assert "exit 0: nothing to do" in ended.err
    log = (night.lab.directory / "snapall.log").read_text(encoding="utf-8")
    assert "no backup is due: the backup of run" in log.splitlines()[-2]
    last = json.loads(night("run", "--if-older-than", "20h", "--json").out.splitlines()[-1])
    assert (last["event"], last["report"]["exit"], last["report"]["grade"]) == ("run_ended", 0, None)
    assert "younger than 20 h" in last["report"]["skipped"]
    assert night("status").out.startswith("vol1: OK")


@pytest.mark.parametrize("order", ["safe", "paper"])
def test_the_first_run_within_an_age_takes_its_backup(at_lab: Make, order: str) -> None:
    night = at_lab(order=order)
    assert night("run", "--if-older-than", "2d").code == 0
    night.assert_shifted_by_one()
    night.assert_nothing_is_quiesced()


def test_a_dead_runs_vms_are_released_although_no_backup_is_due(at_lab: Make) -> None:
    night = at_lab()
    assert night("run").code == 0
    night.fault(Fault("vcbsnapshot delete", FaultKind.FAIL, times=0))
    assert night("run").code == 5
    night.world.clear_faults()
    released = sent(night, "run", "--if-older-than", "20h")
    assert released
    assert all("-d moref:" in one for one in released)
    night.assert_nothing_is_quiesced()


def test_no_hook_runs_when_no_backup_is_due(at_lab: Make) -> None:
    night = at_lab()
    assert night("run").code == 0
    touched = night.lab.directory / "touched"
    hook = f'["touch", {string(str(touched))}]'
    text = night.config.read_text() + f"\n[jobs.vol1.hooks]\nbefore = {hook}\nafter = {hook}\n"
    night.config.write_text(text)
    assert sent(night, "run", "--if-older-than", "20h") == []
    assert not touched.exists()


@pytest.mark.parametrize("age", ["20", "h", "yesterday", "0h", "-2d", "1.5h"])
def test_an_age_that_is_none_exits_2_before_anything(at_lab: Make, age: str) -> None:
    night = at_lab()
    ended = night("run", f"--if-older-than={age}")
    assert ended.code == 2
    assert "SA-1420" in ended.err
    assert "90m, 20h, 2d" in ended.err
    assert list(night.ledger) == []


def test_a_kept_backup_has_no_age_to_wait_for(at_lab: Make) -> None:
    night = at_lab()
    ended = night("run", "--keep", "x", "--if-older-than", "20h")
    assert (ended.code, list(night.ledger)) == (2, [])


# Warnings of run and plan


def test_plan_and_run_warn_of_a_backup_soon_after_the_last(at_lab: Make) -> None:
    night = at_lab()
    assert night("run").code == 0
    assert "SA-1421 vmware_recent is only 0 min old" in night("plan").out
    ended = night("run")
    assert ended.code == 0
    assert "SA-1421 vmware_recent is only 0 min old: 4 runs in a row push out all older backups" in ended.err
    assert "snapall run --keep NAME" in ended.err
    assert "SA-1421" not in night("plan", "--keep", "x").out


def test_plan_and_run_warn_of_a_state_folder_without_the_past_of_the_backups(at_lab: Make) -> None:
    night = at_lab()
    assert "SA-1422" in night("plan").out
    ended = night("run")
    assert f"on record in {night.lab.directory / 'snapall.state'}" in ended.err
    assert "if the old batch made them, do nothing" in ended.err
    assert "SA-1422" not in night("plan").out
    shutil.move(night.lab.directory / "snapall.state", night.lab.directory / "elsewhere")
    assert "SA-1422" in night("plan").out


# Kept backups


def test_kept_backups_are_listed_and_deleted_by_name(at_lab: Make) -> None:
    night = at_lab()
    assert night("run", "--keep", "before-upgrade").code == 0
    assert night("run").code == 0
    names = night.names()
    listed = night("list", "--kept")
    assert (listed.code, len(listed.out.splitlines())) == (0, 2)
    assert "before-upgrade" in listed.out
    rows = {row["name"]: row["kept"] for row in json.loads(night("list", "--json").out)["snapshots"]}
    assert [name for name, kept in rows.items() if kept] == ["before-upgrade"]
    assert sent(night, "delete", "before-upgrade") == []
    assert "add --yes" in night("delete", "before-upgrade").out
    assert sent(night, "delete", "before-upgrade", "--yes") == ["snap delete vmvol1 before-upgrade"]
    assert night.names() == [name for name in names if name != "before-upgrade"]
    assert "no kept backup" in night("list", "--kept").out
    log = (night.lab.directory / "snapall.log").read_text(encoding="utf-8")
    assert "deleting before-upgrade" in log
    audit = json.loads(night("audit", "--json").out)
    assert [one for one in audit["findings"] if "before-upgrade" in one["text"]] == []
    assert "delete before-upgrade" in night("show").out
    assert night("status").out.startswith("vol1: OK")


def test_a_kept_backup_of_two_volumes_is_deleted_on_both(at_lab: Make) -> None:
    night = at_lab(site=two_volumes())
    night.edit('volumes     = ["vmvol1"]', 'volumes     = ["vmvol1", "vmvol2"]')
    assert night("run", "--keep", "before-upgrade").code == 0
    assert sent(night, "delete", "before-upgrade", "--yes") == [
        "snap delete vmvol1 before-upgrade",
        "snap delete vmvol2 before-upgrade",
    ]


@pytest.mark.parametrize("name", ["vmware_recent", "hourly.0", "no-such"])
def test_delete_refuses_whatever_no_run_kept(at_lab: Make, name: str) -> None:
    night = at_lab()
    assert night("run", "--keep", "before-upgrade").code == 0
    names, before = night.names(), len(night.changes)
    ended = night("delete", name, "--yes")
    assert (ended.code, night.names(), night.changes[before:]) == (1, names, [])
    assert "SA-1433" in ended.err or "SA-1434" in ended.err


def test_a_name_that_somebody_gave_to_another_snapshot_is_left_alone(at_lab: Make) -> None:
    night = at_lab()
    assert night("run", "--keep", "before-upgrade").code == 0
    external_actors.remove_filer_snapshot(night.world, "vmvol1", "before-upgrade")
    night.world.set(filer_offset=3600)  # its date, by the minute, is another one
    external_actors.make_filer_snapshot(night.world, "vmvol1", "before-upgrade")
    ended = night("delete", "before-upgrade", "--yes")
    assert ended.code == 1
    assert "before-upgrade" in night.names()


# recover JOB, --dry-run


def test_recover_works_on_the_named_job_alone(at_lab: Make) -> None:
    night = at_lab()
    second = night.config.read_text().split("[jobs.vol1]")[1].replace('prefix      = "vmware"', 'prefix = "other"')
    night.config.write_text(f"{night.config.read_text()}\n[jobs.vol2]{second}")
    night.fault(Fault("vcbsnapshot delete", FaultKind.FAIL, times=0))
    assert night("run", "vol1").code == 5
    ended = night("recover", "vol2")
    assert ended.code == 0
    assert "nothing to recover: no run of vol2 left anything outstanding" in ended.err
    night.world.clear_faults()
    assert night("recover", "vol1").code == 0
    night.assert_nothing_is_quiesced()
    unknown = night("recover", "vol3")
    assert unknown.code == 2
    assert "SA-1425" in unknown.err
    assert "vol1, vol2" in unknown.err


def test_recover_takes_the_name_of_a_job_that_is_no_longer_configured(at_lab: Make) -> None:
    night = at_lab()
    night.fault(Fault("vcbsnapshot delete", FaultKind.FAIL, times=0))
    assert night("run").code == 5
    night.world.clear_faults()
    night.edit("[jobs.vol1]", "[jobs.renamed]")
    assert night("recover", "renamed").code == 0
    assert dict(night.world.quiesced()) != night.foreign
    assert night("recover", "vol1").code == 0
    night.assert_nothing_is_quiesced()


@pytest.mark.parametrize("command", ["run", "recover", "delete", "list"])
def test_a_dry_run_is_answered_with_plan(at_lab: Make, command: str) -> None:
    night = at_lab()
    ended = night(command, "--dry-run")
    assert (ended.code, list(night.ledger)) == (2, [])
    assert "SA-1423" in without_stamps(ended.err)
    assert "use `snapall plan`" in ended.err

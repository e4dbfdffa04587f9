"""A backup is used on the lab: mounted, unmounted, restored in each way, byte for byte; and every refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.filershell import FilerShell
from snapall.lab.ledger import Change
from snapall.lab.lunsites import LabRelation
from snapall.lab.sites import SiteSpec
from tests.end_to_end.test_use_killed import killed_at
from tests.lab.atlab import AtLab
from tests.lab.external_actors import make_filer_snapshot, make_vm_snapshot
from tests.lab.sites import with_luns, with_neighbour

Make = Callable[..., AtLab]
LUN = "/vol/vmvol1/sql01"
PLACE = 3 * 1024**2
LATER = b"what a user wrote after the backup"


def site(*, on: bool = False) -> SiteSpec:
    made = with_luns()
    return replace(made, vms=tuple(replace(vm, on=on) for vm in made.vms))


def used(at_lab: Make, *, on: bool = False) -> tuple[AtLab, bytes]:
    """A lab with a backup, after which the disk of sql01 was changed; and the disk as it was."""
    night = at_lab(site=site(on=on))
    night.world.write_lun(LUN, PLACE, b"what was there at the backup")
    assert night("run").code == 0
    before = night.world.read_lun(LUN)
    night.world.write_lun(LUN, PLACE, LATER)
    assert night.world.read_lun(LUN) != before
    return night, before


def lun_changes(night: AtLab) -> list[Change]:
    nightly = {Change.MADE, Change.REMOVED, Change.CAPTURED, Change.RENAMED, Change.DELETED}
    return [one.change for one in night.ledger.effects if one.change not in nightly]


def shown(night: AtLab) -> dict[str, object]:
    """The LUNs of the filer with serials and maps."""
    with night.world.transaction() as it:
        rows = it.rows("SELECT path, serial, online FROM luns ORDER BY path")
        maps = it.rows("SELECT luns.path, igroup, m.id FROM lun_maps AS m JOIN luns ON luns.id = m.lun ORDER BY 1, 2")
    return {"luns": [tuple(one) for one in rows], "maps": [tuple(one) for one in maps]}


def test_a_mounted_backup_holds_the_disk_as_it_was_and_unmount_leaves_nothing(at_lab: Make) -> None:
    night, before = used(at_lab)
    was = shown(night)
    ended = night("mount", "vol1", "vmware_recent", "--vm", "sql01", "--igroup", "helper", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    (lun,) = found["luns"]
    assert lun["parent"] == LUN
    assert lun["lun_id"] is not None
    assert night.world.read_lun(lun["path"]) == before
    assert len({one[1] for one in shown(night)["luns"]}) == len(night.world.luns())  # type: ignore[attr-defined]
    assert night("unmount", found["id"]).code == 0
    assert shown(night) == was


@pytest.mark.parametrize("way", ["file", "swap"])
def test_a_restored_lun_is_as_it_was_with_its_serial_and_maps(at_lab: Make, way: str) -> None:
    night, before = used(at_lab)
    was = shown(night)
    arguments = ("restore", "vol1", "vmware_recent", "--lun", LUN, "--way", way)
    looked = night(*arguments)
    assert looked.code == 0, looked.out + looked.err
    assert lun_changes(night) == []
    assert "nothing was changed" in looked.out
    ended = night(*arguments, "--yes")
    assert ended.code == 0, ended.err
    assert night.world.read_lun(LUN) == before
    now = shown(night)
    assert now["maps"] == was["maps"]
    assert [one for one in was["luns"] if one not in now["luns"]] == []  # type: ignore[attr-defined, operator]


def test_a_restore_that_only_the_filers_answer_speaks_for_is_warned_of(at_lab: Make) -> None:
    night, _ = used(at_lab)
    night.world.set(clock=night.world.now().timestamp())  # it stands: a copy does not end
    arguments = ("restore", "vol1", "vmware_recent", "--lun", LUN, "--yes")
    night.fault(Fault("snap restore", FaultKind.LIE))
    ended = night(*arguments)
    assert "SA-1780" in ended.err
    assert f"restore {LUN} from snapshot vmware_recent" in ended.err
    assert "SA-1780" not in night(*arguments).err  # its copy is seen at work


def test_a_restored_volume_is_as_it_was_and_its_newer_backups_are_named_first(at_lab: Make) -> None:
    night, before = used(at_lab)
    assert night("run").code == 0
    arguments = ("restore", "vol1", "vmware_previous", "--volume")
    refused = night(*arguments, "--yes")
    assert refused.code == 1
    assert "SA-1723" in refused.err
    assert lun_changes(night) == []
    ended = night(*arguments, "--yes", "--force")
    assert ended.code == 0, ended.err
    assert night.world.read_lun(LUN) == before
    warned = night("status").out
    assert "SA-1756" in warned
    assert "put vmvol1 back to vmware_previous: newer backups are gone" in " ".join(warned.split())
    assert night("run").code == 0
    assert "SA-1756" not in night("status").out


def test_clones_that_a_restored_volume_brings_back_are_named_first(at_lab: Make) -> None:
    night = at_lab(site=site(), runbook=True)
    assert night("run").code == 0
    mount = night("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--json")
    (clone,) = json.loads(mount.out)["luns"]
    assert night("run").code == 3  # the mount holds the newest backup, so that the next one waits
    assert night("unmount", "--all").code == 0
    assert night("recover").code == 0
    arguments = ("restore", "vol1", "vmware_recent", "--volume", "--yes")
    refused = night(*arguments)
    assert refused.code == 1
    assert f"SA-1790 {clone['path']} was there when the backup was taken" in refused.err
    assert clone["path"] not in night.world.luns()
    assert night(*arguments, "--force").code == 0
    assert clone["path"] in night.world.luns()


@pytest.mark.parametrize("order", ["safe", "paper"])
def test_after_a_volume_the_vm_snapshots_are_named_as_that_nights_run_named_them(at_lab: Make, order: str) -> None:
    night = at_lab(site=site())
    assert night("run", "--order", order).code == 0
    made = {one.name for one in night.ledger.effects if one.change is Change.MADE}
    text = night.config.read_text().replace("[jobs.vol1]", '[jobs.vol1]\nvm_snapshot = "Later"')
    night.config.write_text(text)
    ended = night("restore", "vol1", "vmware_recent", "--volume", "--yes", "--force")
    assert ended.code == 0, ended.err
    (name,) = made
    assert f"go to its snapshot {name} in the Snapshot Manager" in ended.out


def test_what_force_overrides_is_shown_before_the_first_step_and_stays_in_the_journal(at_lab: Make) -> None:
    night, _ = used(at_lab)
    assert night("run").code == 0
    command = "snap restore -f -t vol -s vmware_previous vmvol1"
    ended = night("restore", "vol1", "vmware_previous", "--volume", "--yes", "--force")
    assert ended.code == 0, ended.err
    plan, sent = ended.err.index(command), ended.err.rindex(command)
    assert plan < ended.err.index("SA-1750") < ended.err.rindex("SA-1750") < sent
    (journal,) = night.config.parent.rglob("restores/*.jsonl")
    text = journal.read_text()
    for code in ("SA-1717", "SA-1723"):
        assert code in ended.err[plan:sent]
        assert text.index(f"overridden by --force: {code}") < text.index("StepIntent")


def test_quiet_and_json_name_what_force_overrides_too(at_lab: Make) -> None:
    night, _ = used(at_lab)
    assert night("run").code == 0
    for how in ("--quiet", "--json"):
        ended = night("restore", "vol1", "vmware_previous", "--volume", "--yes", "--force", how)
        assert "overridden by --force: SA-1717" in ended.err, ended.err


@pytest.mark.parametrize("way", ["file", "swap"])
def test_a_vm_that_runs_is_never_restored(at_lab: Make, way: str) -> None:
    night, _ = used(at_lab, on=True)
    ended = night("restore", "vol1", "vmware_recent", "--vm", "sql01", "--way", way, "--yes", "--force")
    assert ended.code == 1
    assert "SA-1714" in ended.err
    assert lun_changes(night) == []


@pytest.mark.parametrize("on", [True, False])
def test_the_lun_of_another_vm_whose_name_begins_alike_is_left_alone(at_lab: Make, on: bool) -> None:
    night = at_lab(site=with_neighbour(site(), "web01-test", on=on))
    assert night("run").code == 0
    before = night.world.read_lun("/vol/vmvol1/web01-test")
    night.world.write_lun("/vol/vmvol1/web01-test", PLACE, LATER)
    now = night.world.read_lun("/vol/vmvol1/web01-test")
    assert now != before
    ended = night("restore", "vol1", "vmware_recent", "--vm", "web01", "--yes")
    assert ended.code == 0, ended.err
    assert night.world.read_lun("/vol/vmvol1/web01-test") == now
    assert [one.command for one in night.ledger.changing if "web01-test" in one.command] == []


def test_a_lun_that_only_begins_with_a_vms_name_needs_force_or_luns(at_lab: Make) -> None:
    made = with_neighbour(site(), "ora02", on=False)
    lun = replace(made.luns[-1], path="/vol/vmvol1/web01_data")
    night = at_lab(site=replace(made, luns=(*made.luns[:-1], lun)))
    assert night("run").code == 0
    ended = night("restore", "vol1", "vmware_recent", "--vm", "web01", "--yes")
    assert ended.code == 1
    assert "SA-1749" in ended.err
    assert lun_changes(night) == []
    listed = 'luns = { web01 = ["/vol/vmvol1/web01", "/vol/vmvol1/web01_data"] }'
    night.config.write_text(night.config.read_text().replace("[jobs.vol1]", f"[jobs.vol1]\n{listed}"))
    ended = night("restore", "vol1", "vmware_recent", "--vm", "web01", "--yes")
    assert ended.code == 0, ended.err


def test_a_volume_is_never_restored_under_a_running_vm_of_another_job(at_lab: Make) -> None:
    night = at_lab(site=with_neighbour(site(), "ora01", on=True))
    assert night("run").code == 0
    ended = night("restore", "vol1", "vmware_recent", "--volume", "--yes", "--force")
    assert ended.code == 1
    assert "SA-1714" in ended.err
    assert "ora01" in ended.err
    assert lun_changes(night) == []


@pytest.mark.parametrize("how", [("--lun", LUN), ("--lun", LUN, "--way", "swap"), ("--volume",)])
def test_a_vm_with_a_vm_snapshot_is_never_restored(at_lab: Make, how: tuple[str, ...]) -> None:
    night, _ = used(at_lab)
    make_vm_snapshot(night.world, 1226, "before the upgrade")
    ended = night("restore", "vol1", "vmware_recent", *how, "--yes", "--force")
    assert ended.code == 1
    assert "SA-1716" in ended.err
    assert lun_changes(night) == []


def test_a_run_is_stopped_before_its_first_quiesce_while_the_filer_copies(at_lab: Make) -> None:
    night, _ = used(at_lab)
    night.world.set(clock=night.world.now().timestamp())  # it stands: the copy does not end
    assert night("restore", "vol1", "vmware_recent", "--lun", LUN, "--way", "swap", "--yes").code == 0
    quiesced = len(night.ledger.vcbsnapshot)
    ended = night("run")
    assert ended.code == 1
    assert "SA-1738" in ended.err
    assert len(night.ledger.vcbsnapshot) == quiesced


def damaged(night: AtLab, kind: str) -> Path:
    """A journal of this kind, with a line in its middle that is none."""
    path = min(night.config.parent.rglob(f"restores/{kind}*.jsonl"))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], "}garbage\n", *lines[1:]]))
    return path


def test_a_damaged_journal_does_not_switch_off_the_check_for_a_split(at_lab: Make) -> None:
    night, _ = used(at_lab)
    mount = night("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--json")
    assert night("unmount", json.loads(mount.out)["id"]).code == 0
    night.world.set(clock=night.world.now().timestamp())  # it stands: the copy does not end
    assert night("restore", "vol1", "vmware_recent", "--lun", LUN, "--way", "swap", "--yes").code == 0
    path, quiesced = damaged(night, "mount"), len(night.ledger.vcbsnapshot)
    ended = night("run")
    assert ended.code == 1
    assert "SA-1738" in ended.err
    assert f"SA-1710 the journal {path} is damaged" in ended.err
    assert len(night.ledger.vcbsnapshot) == quiesced


def test_a_damaged_journal_is_a_finding_and_everything_else_is_still_shown(at_lab: Make) -> None:
    night, _ = used(at_lab)
    mounts = [night("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--json") for _ in "ab"]
    path, kept = damaged(night, "mount"), json.loads(mounts[1].out)["id"]
    status = night("status", "--json")
    assert status.code == 0, status.err
    shown = json.loads(status.out)
    assert [one["id"] for one in shown["mounts"]] == [kept]
    assert any(str(path) in one["text"] for one in shown["jobs"][0]["findings"])
    nagios = night("status", "--nagios")
    assert nagios.code == 1, nagios.out
    listed = night("list")
    assert listed.code == 1
    assert "vmware_recent" in listed.out
    assert str(path) in listed.err
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))  # as if its mount had died
    recovered = night("recover")
    assert recovered.code == 1
    assert str(path) in recovered.err
    assert night("run").code == 3  # the mount holds the newest backup


def test_a_run_beside_a_half_swap_is_stopped_before_its_first_quiesce(at_lab: Make) -> None:
    night, _ = used(at_lab)
    killed_at(
        night,
        ("restore", "vol1", "vmware_recent", "--lun", LUN, "--way", "swap", "--yes"),
        "lun move",
        FaultKind.SIGNAL_AFTER,
    )
    assert LUN not in night.world.luns()
    quiesced = len(night.ledger.vcbsnapshot)
    ended = night("run")
    assert ended.code == 1
    assert "SA-1771" in ended.err
    assert LUN in ended.err
    assert len(night.ledger.vcbsnapshot) == quiesced
    assert night("recover").code == 0
    assert LUN in night.world.luns()
    assert night("run").code == 0


def test_a_run_waits_for_recover_where_a_restore_died_at_a_step_that_nothing_takes_back(at_lab: Make) -> None:
    night, _ = used(at_lab)
    killed_at(
        night,
        ("restore", "vol1", "vmware_previous", "--volume", "--yes", "--force"),
        "snap restore",
        FaultKind.SIGNAL_AFTER,
    )
    quiesced = len(night.ledger.vcbsnapshot)
    ended = night("run")
    assert ended.code == 1
    assert "SA-1781" in ended.err
    assert "restore volume vmvol1 from snapshot vmware_previous" in ended.err
    assert len(night.ledger.vcbsnapshot) == quiesced
    assert night("recover").code == 0
    assert night("run").code == 0


def test_a_clone_whose_take_down_died_stops_no_run(at_lab: Make) -> None:
    night, _ = used(at_lab)
    with night.impatient(filer=2):  # the mount's own journal keeps it
        mount = night("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--json")
    killed_at(night, ("unmount", json.loads(mount.out)["id"]), "lun destroy", FaultKind.SIGNAL_AFTER)
    ended = night("run")
    assert ended.code == 0, ended.err
    assert "SA-1745" in ended.err
    assert night("recover").code == 0


def test_a_mounted_backup_is_named_by_the_run_and_is_not_rotated(at_lab: Make) -> None:
    night, before = used(at_lab)
    ended = night("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--name", "a test", "--json")
    (lun,) = json.loads(ended.out)["luns"]
    date = night.chain()["vmware_recent"]
    ran = night("run")
    assert ran.code == 3, ran.err
    assert "SA-1744" in ran.err
    assert "for a test" in ran.err
    assert night.chain()["vmware_recent"] == date
    assert night.world.read_lun(lun["path"]) == before
    assert night("unmount", "--all").code == 0
    assert night("recover").code == 0
    assert night.chain()["vmware_previous"] == date


def test_a_clone_that_was_split_by_hand_is_left_but_unmount_fails_and_names_it(at_lab: Make) -> None:
    night, _ = used(at_lab)
    made = json.loads(night("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--json").out)
    path = made["luns"][0]["path"]
    with night.world.transaction() as it:
        it.rows(f"UPDATE luns SET backed_by = '' WHERE path = '{path}'")
    was = shown(night)
    ended = night("unmount", made["id"])
    assert ended.code == 1
    assert f"could not unmap {path} from helper" in ended.err
    assert f"could not destroy {path}" in ended.err
    assert shown(night) == was
    again = night("recover")
    assert (again.code, f"could not destroy {path}" in again.err) == (1, True)
    (left,) = json.loads(night("status", "--json").out)["mounts"]
    assert left["left"] == [f"{path} is not the clone that it made"]
    assert "broken off" in night("list").out
    assert "SA-1754" in night("run").err
    for command in (f"lun unmap {path} helper", f"lun offline {path}", f"lun destroy {path}"):
        FilerShell(night.world).answer(command, "ssh", "snapall")
    assert night("recover").code == 0
    assert json.loads(night("status", "--json").out)["mounts"] == []


def test_status_and_list_show_the_mounts_and_remind_of_their_end(at_lab: Make) -> None:
    night, _ = used(at_lab)
    mount = ("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--for", "14d", "--json")
    id_ = json.loads(night(*mount).out)["id"]
    for command in ("status", "list"):
        (found,) = json.loads(night(command, "--json").out)["mounts"]
        assert found["id"] == id_
        assert found["over"] is False
        assert found["age"] >= 0
        assert id_ in night(command).out
    assert night("unmount", id_).code == 0
    assert json.loads(night("status", "--json").out)["mounts"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("restore", "vol1", "vmware_recent", "--lun", "/vol/vmvol1/none", "--yes", "--force"), "SA-1712"),
        (("restore", "vol1", "nightly.0", "--lun", LUN, "--yes", "--force"), "SA-1733"),
        (("restore", "vol1", "no_such", "--lun", LUN, "--yes", "--force"), "SA-1732"),
        (("restore", "vol1", "vmware_recent", "--lun", "/vol/other/x", "--yes", "--force"), "SA-1731"),
        (("restore", "vol1", "vmware_recent", "--lun", "sql01", "--yes", "--force"), "SA-4306"),
        (("restore", "vol1", "vmware_recent", "--vm", "nobody", "--yes", "--force"), "SA-1734"),
        (("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "nobody"), "SA-1735"),
        (("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "spare"), "SA-1726"),
        (("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "esx"), "SA-1727"),
        (("mount", "vol1", "vmware_recent", "--lun", LUN), "SA-1740"),
        (("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--for", "soon"), "SA-1743"),
        (("restore", "vol1", "vmware_recent", "--yes"), "SA-1742"),
        (("unmount", "20070322T040000Z"), "SA-1736"),
        (("unmount",), "SA-1741"),
    ],
)
def test_what_is_refused_changes_nothing(at_lab: Make, arguments: tuple[str, ...], code: str) -> None:
    night = at_lab(site=site())
    make_filer_snapshot(night.world, "vmvol1", "nightly.0")
    was = shown(night)
    ended = night(*arguments)
    assert ended.code in {1, 2}
    assert code in ended.err
    assert lun_changes(night) == []
    assert shown(night) == was


def related(at_lab: Make, *relations: LabRelation, root: str = "") -> AtLab:
    """A lab with a backup whose filer shows these relations; all VMs are off."""
    night = at_lab(site=replace(site(), relations=relations).having(root=root))
    assert night("run").code == 0
    return night


def related_now(night: AtLab, **values: str) -> None:
    """The relation is like this now; `snap list` shows nothing of it, so that only its status can."""
    with night.world.transaction() as it:
        it.db.execute("UPDATE filer_snapshots SET tags = ''")
        for name, value in values.items():
            it.db.execute(f"UPDATE relations SET {name} = ?", (value,))


@pytest.mark.parametrize(
    ("kind", "source", "other"),
    [("snapmirror", "filer1:vmvol1", "filer2:there"), ("snapvault", "filer1:/vol/vmvol1/-", "filer2:/vol/sv/q")],
)
def test_a_volume_whose_relation_would_break_is_refused_by_its_status_alone(
    at_lab: Make, kind: str, source: str, other: str
) -> None:
    night = related(at_lab, LabRelation(kind, source, other))
    make_filer_snapshot(night.world, "vmvol1", "newer")
    restore = ("restore", "vol1", "vmware_recent", "--volume", "--yes", "--force")
    for code, text, values in (
        ("SA-1808", f"a transfer of vmvol1 to {other} is under way", {"status": "Transferring"}),
        ("SA-1721", f"{kind} to {other} needs newer of vmvol1", {"status": "Idle", "base": "newer"}),
    ):
        related_now(night, **values)
        ended = night(*restore)
        assert (ended.code, code in ended.err, text in ended.err) == (1, True, True), ended.err
    assert (lun_changes(night), night.names()[0]) == ([], "newer")
    related_now(night, base="vmware_recent")
    assert night(*restore).code == 0


@pytest.mark.parametrize("how", [("--volume",), ("--lun", LUN), ("--lun", LUN, "--way", "swap")])
def test_nothing_is_restored_on_a_mirror(at_lab: Make, how: tuple[str, ...]) -> None:
    night = related(at_lab)
    was = shown(night)
    with night.world.transaction() as it:
        it.db.execute("INSERT INTO relations (destination, kind, source, state, based) VALUES (?, ?, ?, ?, 0)",
                      ("filer1:vmvol1", "snapmirror", "filer9:vmvol1", "Snapmirrored"))  # fmt: skip
    ended = night("restore", "vol1", "vmware_recent", *how, "--yes", "--force")
    assert (ended.code, "SA-1806" in ended.err) == (1, True)
    assert (lun_changes(night), shown(night)) == ([], was)


def test_the_root_volume_is_never_restored_as_a_whole(at_lab: Make) -> None:
    night = related(at_lab, root="vmvol1")
    ended = night("restore", "vol1", "vmware_recent", "--volume", "--yes", "--force")
    assert (ended.code, "SA-1807" in ended.err) == (1, True)
    assert lun_changes(night) == []
    assert night("restore", "vol1", "vmware_recent", "--lun", LUN, "--yes").code == 0


def test_relations_that_cannot_be_read_are_asked_about(at_lab: Make) -> None:
    night, before = used(at_lab)
    night.fault(Fault("snapmirror status", FaultKind.FAIL, text="snapmirror: permission denied", times=9))
    refused = night("restore", "vol1", "vmware_recent", "--volume", "--yes")
    assert (refused.code, "SA-1809" in refused.err, "permission denied" in refused.err) == (1, True, True)
    assert lun_changes(night) == []
    assert night("restore", "vol1", "vmware_recent", "--volume", "--yes", "--force").code == 0
    assert night.world.read_lun(LUN) == before


def test_a_whole_mount_that_fails_is_taken_back(at_lab: Make) -> None:
    night, _ = used(at_lab)
    was = shown(night)
    night.fault(Fault("lun map", FaultKind.FAIL, text="lun map: No such initiator group exists"))
    ended = night("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper")
    assert ended.code == 1
    assert "SA-1700" in ended.err
    assert shown(night) == was
    assert json.loads(night("status", "--json").out)["mounts"] == []


def test_a_file_and_a_copy_are_explained_and_nothing_is_changed(at_lab: Make) -> None:
    night, _ = used(at_lab)
    for how in ("--file", "--way=copy"):
        ended = night("restore", "vol1", "vmware_recent", "--lun", LUN, how)
        assert ended.code == 0, ended.err
        assert f"snapall mount vol1 vmware_recent --lun {LUN}" in ended.out
    assert lun_changes(night) == []

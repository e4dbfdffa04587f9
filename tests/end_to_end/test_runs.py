"""Whole nights at the command line: exit code, message, and what the lab's own ledger and world say afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Entry
from snapall.lab.sites import paper
from tests.lab import external_actors
from tests.lab.atlab import CHAIN, AtLab, two_volumes, without_stamps
from tests.lab.calls import end_calls
from tests.lab.sites import batch, big
from tests.waiting import PATIENCE, until

Make = Callable[..., AtLab]
FIXTURES = Path(__file__).parents[2] / "fixtures"


def good(night: AtLab, *args: str) -> None:
    ended = night("run", *args)
    assert ended.code == 0, ended.err
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
@pytest.mark.parametrize("order", ["safe", "paper"])
def test_a_successful_run_on_the_papers_site(at_lab: Make, transport: str, order: str) -> None:
    night = at_lab(site=paper(), transport=transport, order=order, parallel=4)
    others_before = {v: set(night.names(v)) - set(CHAIN) for v in night.world.volumes()}
    good(night)
    ours = {vm.id for vm in night.world.vms(688)}
    assert len(ours) == 19
    (capture,) = night.ledger.captures
    assert ours <= set(capture.quiesced)
    assert set(night.foreign) == set(night.world.quiesced())
    asked = {entry.argv[-2] for entry in night.ledger.vcbsnapshot}
    assert asked == {f"moref:vm-{vm}" for vm in ours}
    assert {v: set(night.names(v)) - set(CHAIN) for v in night.world.volumes()} == others_before


@pytest.mark.parametrize("order", ["safe", "paper"])
def test_the_plan_prints_exactly_the_changing_commands_that_run_then_sends(at_lab: Make, order: str) -> None:
    night = at_lab(order=order, transport="rsh")
    ended = night("plan", "--json")
    assert ended.code == 0
    assert night.changes == []
    assert night.world.settings.vc_password not in ended.out
    (plan,) = json.loads(ended.out)["plans"]
    printed = [one["command"] for one in plan["commands"] if one["changing"]]
    assert all(one["reason"] for one in plan["commands"])
    assert night("run").code == 0
    program = night.config.read_text().split("vcbsnapshot = [")[1].split("]")[0].replace('"', "").replace(",", "")
    sent = []
    for change in night.changes:
        text = without_stamps(change).replace(night.world.settings.vc_password, "***")
        for vm, ssid in ((108, 1228), (110, 1229), (1226, 1230)):
            text = text.replace(f"moref:vm-{vm} ssid:snapshot-{ssid}", f"moref:vm-{vm} ssid:<ssid of vm-{vm}>")
        sent.append(
            text.replace("vcbsnapshot", program, 1) if text.startswith("vcbsnapshot") else f"rsh 127.0.0.1 {text}"
        )
    plain = [text.replace("'", "").replace('"', "") for text in printed]  # quoted for the shell of this system
    assert [_tail(text) for text in plain] == [_tail(text) for text in sent]


def _tail(command: str) -> str:
    """The command without the way to the program: from the login on, or from `snap`."""
    for mark in (" snap ", " -h "):
        if mark in command:
            return mark + command.split(mark, 1)[1]
    raise AssertionError(command)


def test_plan_prints_a_reason_for_each_command(at_lab: Make) -> None:
    night = at_lab()
    ended = night("plan")
    assert ended.code == 0
    for part in (
        "snap create vmvol1 vmware_new_<UTC>",
        "moref:vm-108",
        "snap delete vmvol1 vmware_snap4",
        "oldest",
        "***",
    ):
        assert part in ended.out
    assert night.world.settings.vc_password not in ended.out


def test_paper_order_sends_the_batchs_own_commands(at_lab: Make) -> None:
    recorded = json.loads((FIXTURES / "batch" / "a_happy_vcuser_env.json").read_text())
    night = at_lab(order="paper")
    good(night)
    expected = []
    for call in recorded["calls"]:
        if call["program"] == "RSH":
            expected.append(" ".join(call["argv"][1:]))
        elif call["program"] == "vcbsnapshot":
            expected.append(" ".join(["vcbsnapshot", *call["argv"]]))
    sent = [
        change.replace("-h vc01.lab", "-h vc01").replace(night.world.settings.vc_password, "vcpw")
        for change in night.changes
    ]
    assert sent == expected


def test_both_orders_end_in_the_same_state(at_lab: Make) -> None:
    safe, paper_order = at_lab(order="safe"), at_lab(order="paper")
    good(safe)
    good(paper_order)
    assert sorted(safe.names()) == sorted(paper_order.names())


def test_run_takes_an_order_option(at_lab: Make) -> None:
    night = at_lab()
    good(night, "--order", "paper")
    assert night.changes[0] == "snap delete vmvol1 vmware_snap4"


def test_the_password_appears_only_on_vcbsnapshots_command_line(at_lab: Make) -> None:
    night = at_lab()
    night.fault("vm-fails")
    ended = night("run", "--json")
    secret = night.world.settings.vc_password
    kept = [path for path in night.lab.directory.rglob("*") if path.is_file() and path.suffix in {".jsonl", ".log"}]
    texts = [path.read_text() for path in kept if path.name != "ledger.jsonl"]
    assert len(texts) >= 2
    assert all(secret not in text for text in [ended.out, ended.err, *texts])


def test_list_shows_every_backup_with_its_grade(at_lab: Make) -> None:
    night = at_lab()
    night.fault("vm-fails")
    assert night("run").code == 3
    assert night("run").code == 0
    ended = night("list")
    rows = {line.split()[1]: line for line in ended.out.splitlines() if "vmware_" in line}
    assert "quiesced 3/3" in rows["vmware_recent"]
    assert "partial 2/3" in rows["vmware_previous"]
    assert "unknown" in rows["vmware_snap3"]
    as_json = json.loads(night("list", "--json").out)["snapshots"]
    assert {row["grade"] for row in as_json} >= {"quiesced 3/3", "partial 2/3", "unknown"}


def test_a_kept_backup_is_never_rotated(at_lab: Make) -> None:
    night = at_lab()
    assert night("run", "--keep", "before_sp3").code == 0
    night.assert_no_backup_is_lost()
    good(night)
    assert "before_sp3" in night.names()
    assert night("run", "--keep", "before_sp3").code == 1
    assert night("run", "--keep", "x; snap delete").code == 2
    assert night("run", "--keep", "vmware_recent").code == 2


def test_a_kept_backup_takes_no_name_that_another_job_rotates(at_lab: Make) -> None:
    night = at_lab()
    with night.config.open("a") as file:
        file.write('\n[jobs.weekly]\nfiler = "filer1"\nvolumes = ["vmvol1"]\ndatastores = [688]\nprefix = "week"\n')
    ended = night("run", "vol1", "--keep", "week_recent")
    assert ended.code == 2
    assert "weekly" in ended.err
    assert night.changes == []


def test_runs_without_a_quiesced_vm_push_out_no_better_backup(at_lab: Make) -> None:
    night = at_lab()
    night.fault("all-fail")
    for _ in range(4):
        ended = night("run")
        assert ended.code == 3
        night.assert_no_backup_is_lost()
        night.assert_nothing_is_quiesced()
    assert len(night.names()) == 5
    night.world.clear_faults()
    good(night)


def test_a_datastore_without_a_vm_is_refused(at_lab: Make) -> None:
    night = at_lab()
    night.edit("[688]", "[690]")
    ended = night("run")
    assert ended.code == 1
    assert "690" in ended.err
    assert "allow_empty" in ended.err
    assert night.changes == []
    night.edit("[690]", "[688, 690]")
    ended = night("run")
    assert ended.code == 1
    assert "no VM is on datastore 690" in ended.err
    assert night.changes == []


def test_a_busy_name_leaves_new_backups_pending_and_later_runs_publish_them(at_lab: Make) -> None:
    night = at_lab()
    external_actors.tag(night.world, "vmvol1", "vmware_snap3", "busy", "LUNs")
    for _ in range(2):
        ended = night("run")
        assert ended.code == 3
        assert "vmware_snap3" in ended.err
        assert "busy" in ended.err
        night.assert_no_backup_is_lost()
    external_actors.tag(night.world, "vmvol1", "vmware_snap3")
    assert night("run").code == 0
    births = [entry.effect.name for entry in night.ledger.captures if entry.effect is not None]
    renames = [e for e in night.changes if "vmware_new_" in e and "rename" in e]
    assert [rename.split()[3] for rename in renames] == births
    assert sorted(night.names()) == sorted(CHAIN)


TROUBLE = [
    # what goes wrong, exit code, what the message names, what it remedies or says besides
    ("filer-down", 1, "the filer", "remedy"),
    ("volume-full", 1, "No space left", "remedy"),
    ("all-fail", 3, "vm-108", "vm-1226"),
    ("busy-oldest", 3, "vmware_snap4", "remedy"),
    ("vm-fails", 3, "vm-110", "quiesced"),
    ("database-down-after-capture", 3, "database", "remedy"),
    ("stuck-vm", 5, "vm-108", "snapall recover"),
    ("rename-fails", 3, "snap rename", "remedy"),
]


PUBLISHED = {"vm-fails", "database-down-after-capture", "stuck-vm"}  # all the same


@pytest.mark.parametrize(("fault", "code", "names", "says"), TROUBLE)
@pytest.mark.parametrize("order", ["safe", "paper"])
def test_trouble_has_its_exit_code_and_its_message(
    at_lab: Make, fault: str, code: int, names: str, says: str, order: str
) -> None:
    night = at_lab(order=order)
    night.fault(fault)
    if fault == "rename-fails" and order == "paper":
        code = 1  # before the capture: the names are put back, once the unanswered rename can act no more
        ended = night.hastily()
    else:
        ended = night("run")
    assert ended.code == code, ended.err
    assert names in ended.err
    assert says in ended.err
    if fault != "stuck-vm":
        night.assert_nothing_is_quiesced()
    if order == "safe" and fault in PUBLISHED:
        night.assert_shifted_by_one()
    elif order == "safe" and fault != "rename-fails":
        night.assert_no_backup_is_lost()
    kept = set(night.dates.values()) - {night.dates["vmware_snap4"]}
    assert kept <= {row.date for row in night.world.listing("vmvol1")}
    log = (night.lab.directory / "snapall.log").read_text()
    assert "An error occurred" in log


WELL = ["no-ssid", "release-fails", "task-in-progress", "vm-moves", "rows-stay", "database-lags", "filer-drops"]
WELL += ["lost-capture", "lost-quiesce"]


@pytest.mark.parametrize("fault", WELL)
def test_trouble_that_looking_settles_ends_in_a_whole_backup(at_lab: Make, fault: str) -> None:
    night = at_lab()
    night.limits(settle=PATIENCE)
    night.fault(fault)
    good(night)


def asked_for(night: AtLab, vm: int) -> str:
    """The name under which a VM's snapshot was asked for, once that was."""
    calls: list[Entry] = []

    def is_asked_for() -> bool:
        calls.extend(entry for entry in night.ledger if entry.verb == "create" and f"moref:vm-{vm}" in entry.argv)
        return bool(calls)

    until(is_asked_for, f"a quiesce of VM {vm}")
    return calls[0].argv[-1]


def test_a_snapshot_that_comes_after_its_failure_is_removed_by_recover(at_lab: Make) -> None:
    night = at_lab()
    night.limits(settle=PATIENCE)
    night.fault(Fault("vcbsnapshot create", FaultKind.FAIL, vm=110))
    ended = night("run")
    assert ended.code == 3
    assert "vm-110" in ended.err
    assert "checks again" in ended.err
    assert "not quiesced: web02 (vm-110)" in ended.err
    external_actors.make_vm_snapshot(night.world, 110, asked_for(night, 110))  # VirtualCenter is late
    assert night("recover").code == 0
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()


def test_a_vm_that_is_unregistered_while_it_is_quiesced_is_named_once(at_lab: Make) -> None:
    night = at_lab()
    night.fault("vm-unregistered")
    ended = night("run")
    assert ended.code == 5
    (left,) = set(night.world.quiesced()) - set(night.foreign)
    assert f"vm-{left}): no longer registered" in ended.err
    assert "Snapshot Manager" in ended.err
    night.assert_shifted_by_one()
    assert night("recover").code == 0
    night.dates = night.chain()
    assert night("run").code == 0
    assert [entry.argv[-3:-1] for entry in night.ledger.vcbsnapshot].count(("-d", f"moref:vm-{left}")) == 1


def test_a_vm_that_moves_while_it_is_quiesced_is_released_where_it_is(at_lab: Make) -> None:
    night = at_lab(site=replace(batch(), hosts=((11, "esx01.example.edu"), (12, "esx02.example.edu"))))
    night.fault("vm-moves")
    ended = night("run")
    assert ended.code == 0
    assert "has moved from esx01.example.edu to esx02.example.edu" in ended.err
    night.assert_nothing_is_quiesced()


def test_a_vcbsnapshot_that_hangs_is_given_up_on_and_its_late_snapshot_removed(at_lab: Make) -> None:
    """So may those of the other VMs be, on a busy machine."""
    night = at_lab()
    night.limits(create=0.5, settle=PATIENCE)
    night.fault(Fault("vcbsnapshot create", FaultKind.HANG, seconds=3600, vm=110))
    assert night("run").code == 5
    external_actors.make_vm_snapshot(night.world, 110, asked_for(night, 110))
    end_calls(night)
    assert night("recover").code == 0
    night.assert_nothing_is_quiesced()


def test_a_missing_vcbsnapshot_is_named_with_its_remedy(at_lab: Make) -> None:
    night = at_lab()
    text = night.config.read_text().splitlines()
    lines = ['vcbsnapshot = ["no-such-vcbsnapshot"]' if line.startswith("vcbsnapshot") else line for line in text]
    night.config.write_text("\n".join(lines))
    ended = night("run")
    assert ended.code == 3
    assert "no-such-vcbsnapshot" in ended.err
    night.assert_no_backup_is_lost()


def test_an_unreachable_filer_changes_nothing(at_lab: Make) -> None:
    for transport in ("ssh", "rsh"):
        night = at_lab(transport=transport)
        night.lab.stop()
        ended = night("run")
        assert ended.code == 1
        assert "remedy" in ended.err
        assert night.changes == []


def test_an_unknown_host_key_is_refused(at_lab: Make) -> None:
    night = at_lab(transport="ssh")
    known = night.lab.directory / "known_hosts"
    line = known.read_text()
    known.write_text("")
    ended = night("run")
    assert ended.code == 1
    assert f"add this line to {known}: {line}" in ended.err
    assert night.changes == []


def test_a_wrong_filer_password_is_named_and_not_shown(at_lab: Make) -> None:
    night = at_lab(transport="ssh")
    (night.lab.directory / "wrong.secret").write_text("hunter2hunter2\n")
    night.edit('key_file  = "id_rsa"', 'password  = { file = "wrong.secret" }')
    ended = night("run")
    assert ended.code == 1
    assert "hunter2" not in ended.err
    assert "snapall" in ended.err
    assert night.changes == []


def test_the_filer_accepts_a_password_too(at_lab: Make) -> None:
    night = at_lab(transport="ssh")
    night.edit('key_file  = "id_rsa"', 'password  = { file = "filer.secret" }')
    good(night)


def test_a_missing_volume_changes_nothing(at_lab: Make) -> None:
    night = at_lab()
    night.edit('["vmvol1"]', '["vmvol9"]')
    ended = night("run")
    assert ended.code == 1
    assert "vmvol9" in ended.err
    assert night.changes == []


def test_a_read_only_volume_is_refused_before_anything(at_lab: Make) -> None:
    night = at_lab()
    external_actors.set_volume(night.world, "vmvol1", read_only=True)
    ended = night("run")
    assert ended.code == 1
    assert "vmvol1 is read-only" in ended.err
    assert "remedy" in ended.err
    assert night.changes == []


def test_a_role_that_may_not_ask_for_the_volumes_status_takes_backups_all_the_same(at_lab: Make) -> None:
    night = at_lab()
    night.fault(Fault("vol status", FaultKind.DROP, times=0))
    good(night)


def test_a_kept_name_that_already_exists_is_refused(at_lab: Make) -> None:
    night = at_lab()
    night.fault(Fault("snap create", FaultKind.FAIL, text="Snapshot already exists."))
    ended = night("run")
    assert ended.code == 1
    assert "already exists" in ended.err
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()


def test_the_database_down_at_the_survey_changes_nothing(at_lab: Make) -> None:
    night = at_lab()
    external_actors.set_database(night.world, up=False)
    ended = night("run")
    assert ended.code == 1
    assert "virtualcenter.db" in ended.err
    assert "remedy" in ended.err
    assert night.changes == []


def test_one_failing_volume_leaves_every_chain_as_it_was(at_lab: Make) -> None:
    night = at_lab(site=two_volumes())
    night.edit('["vmvol1"]', '["vmvol1", "vmvol2"]')
    night.fault(
        Fault("snap create", FaultKind.FAIL, match="vmvol2", times=0, text="snap create: No space left on device")
    )
    ended = night("run")
    assert ended.code == 1
    assert "vmvol2" in ended.err
    night.assert_no_backup_is_lost()
    assert sorted(night.names("vmvol1")) == sorted(night.names("vmvol2")) == sorted(CHAIN)
    night.assert_nothing_is_quiesced()
    night.world.clear_faults()
    good(night)
    assert night.chain("vmvol2")[CHAIN[1]] == night.dates[CHAIN[0]]


def test_an_orphaned_snapshot_is_listed_and_removed_only_on_request(at_lab: Make) -> None:
    night = at_lab()
    night.edit("max_quiesced = 120", "max_quiesced = 0.001")
    ssid = external_actors.make_vm_snapshot(night.world, 110, "Quiesce")
    listed = night("recover", "--adopt")
    assert listed.code == 0
    assert ssid in listed.out
    assert 110 in night.world.quiesced()
    assert night("recover", "--adopt", "--yes").code == 0
    assert 110 not in night.world.quiesced()
    assert "no orphaned VM snapshot" in night("recover", "--adopt").out


def test_all_configuration_faults_are_reported_at_once_and_nothing_is_contacted(at_lab: Make) -> None:
    night = at_lab()
    night.edit('["vmvol1"]', '["x; snap delete"]')
    night.edit("parallel    = 1", 'parallel    = "four"')
    night.edit('{ file = "vc.secret" }', '{ env = "NO_SUCH_VARIABLE" }')
    night.edit("retain      = 4", "retain      = 4\nretian      = 3")
    ended = night("run")
    assert ended.code == 2
    for part in ("x; snap delete", "parallel", "NO_SUCH_VARIABLE", "retian"):
        assert part in ended.err
    assert len(night.ledger) == 0


def test_an_unknown_job_is_named_with_those_that_exist(at_lab: Make) -> None:
    night = at_lab()
    ended = night("run", "vol9")
    assert ended.code == 2
    assert "vol9" in ended.err
    assert "vol1" in ended.err
    assert len(night.ledger) == 0


def test_quiet_prints_nothing_after_a_successful_run(at_lab: Make) -> None:
    night = at_lab()
    for name in CHAIN:  # a state folder that does not know the retained backups is worth a warning
        external_actors.remove_filer_snapshot(night.world, "vmvol1", name)
    ended = night("run", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_json_is_one_event_a_line(at_lab: Make) -> None:
    night = at_lab()
    ended = night("run", "--json")
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert events[0]["event"] == "began"
    assert events[-1]["event"] == "run_ended"
    assert events[-1]["report"]["exit"] == 0
    assert {event["schema"] for event in events} == {1}


def test_a_log_that_cannot_be_written_stops_no_backup(at_lab: Make) -> None:
    night = at_lab()
    (night.lab.directory / "snapall.log").mkdir()
    ended = night("run")
    assert ended.code == 0
    assert "snapall.log" in ended.err
    night.assert_shifted_by_one()


def test_a_thousand_vms_are_planned(at_lab: Make) -> None:
    night = at_lab(site=big(1000))
    ended = night("plan", "--json")
    (plan,) = json.loads(ended.out)["plans"]
    assert sum("-c moref:vm-" in one["command"] for one in plan["commands"]) == 1000

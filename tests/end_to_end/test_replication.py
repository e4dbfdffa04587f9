"""A backup goes on to its mirror and its vault: on the lab, whose ledger shows what was sent and when."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from snapall.lab.config_file import string
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Change
from snapall.lab.lunsites import LabRelation
from tests.lab.atlab import AtLab, signal_at, two_volumes
from tests.lab.sites import batch, with_luns

Make = Callable[..., AtLab]
TABLE = """
[jobs.vol1.replicate]
mirrors = [{ filer = "filer1", source = "filer1:vmvol1", destination = "filer2:vmvol1_mirror" }]
vaults  = [{ filer = "filer1", destination = "/vol/sv/vmvol1", keep_name = "nightly" }]
"""
MIRROR, VAULT = "filer2:vmvol1_mirror", "filer2:/vol/sv/vmvol1"
RELATIONS = (
    LabRelation("snapmirror", "filer1:vmvol1", MIRROR),
    LabRelation("snapvault", "filer1:/vol/vmvol1/-", VAULT, keep="nightly"),
)
SENT = [
    "snapmirror update -S filer1:vmvol1 filer2:vmvol1_mirror",
    "snapvault update /vol/sv/vmvol1",
    "snapvault snap create sv nightly",
]


def replicated(make: Make, table: str = TABLE, **options: object) -> AtLab:
    """A lab whose job is replicated; transfers take no time."""
    site = replace(with_luns(), relations=RELATIONS)
    night = make(site=site.having(**{"transfer_seconds": 0.0} | options))
    night.config.write_text(night.config.read_text() + table)
    return night


def sent(night: AtLab) -> list[str]:
    """The commands of replication that change something, in order."""
    verbs = ("snapmirror update", "snapvault update", "snapvault snap")
    return [one.command for one in night.ledger if one.of is None and one.command.startswith(verbs)]


def test_a_published_backup_reaches_its_mirror_and_its_vault_after_the_vms_are_released(at_lab: Make) -> None:
    night = replicated(at_lab)
    ended = night("run")
    assert ended.code == 0, ended.err
    assert sent(night) == SENT
    commands = [one.command for one in night.ledger if one.of is None]
    released = max(n for n, one in enumerate(night.ledger) if one.system == "vcbsnapshot" and "-d" in one.argv)
    assert released < next(n for n, one in enumerate(night.ledger) if one.command == SENT[0])
    assert commands.index(SENT[0]) > commands.index("snap rename vmvol1 vmware_recent vmware_previous")
    night.assert_shifted_by_one()
    arrived = {row.name: row.date for row in night.world.listing("vmvol1_mirror")}
    assert arrived["vmware_recent"] == night.chain()["vmware_recent"]
    assert "nightly.0" in night.names("sv")
    assert [one.change for one in night.ledger.effects if one.change is Change.KEPT] == [Change.KEPT]


def test_a_job_is_sent_on_when_all_jobs_have_their_backups(at_lab: Make) -> None:
    night = at_lab(site=replace(two_volumes(), relations=RELATIONS[:1]).having(transfer_seconds=0.0))
    text = night.config.read_text()
    other = text[text.index("[jobs.vol1]") :].replace("[jobs.vol1]", "[jobs.zzz]").replace('"vmvol1"', '"vmvol2"')
    hook = f'\n[jobs.vol1.hooks]\nafter = ["sh", "-c", "touch {night.lab.directory / "after"}"]\n'
    night.config.write_text(text + other + hook + TABLE.replace("vaults", "# vaults"))
    night.fault(Fault("snapmirror update", FaultKind.FAIL, text="snapmirror: not licensed"))
    ended = night("run")
    assert ended.code == 3, ended.err  # what fails last counts, too
    commands = [one.command for one in night.ledger if one.of is None]
    last = max(n for n, command in enumerate(commands) if command.startswith("snap rename vmvol2"))
    assert commands.index(SENT[0]) > last
    assert (night.lab.directory / "after").exists()


def test_the_plan_prints_what_will_be_sent_and_sends_nothing(at_lab: Make) -> None:
    night = replicated(at_lab)
    ended = night("plan")
    assert ended.code == 0
    for command in SENT:
        assert command in ended.out
    assert sent(night) == []
    assert json.loads(night("plan", "--json").out)["plans"][0]["replication"][0].endswith(SENT[0])


def test_the_copies_are_listed_with_the_grade_of_their_backup(at_lab: Make) -> None:
    night = replicated(at_lab)
    assert night("run").code == 0
    rows = json.loads(night("list", "--copies", "--json").out)["snapshots"]
    found = {(row["volume"], row["name"]): row["grade"] for row in rows}
    assert found["filer1:vmvol1_mirror", "vmware_recent"] == "quiesced 3/3"
    assert found["filer1:sv", "nightly.0"] == "unknown"


def test_list_shows_how_far_each_copy_is_behind_and_asks_no_destination(at_lab: Make) -> None:
    night = replicated(at_lab)
    assert night("run").code == 0
    asked = [one.command for one in night.ledger if one.command.startswith("snap")]
    shown = night("list").out.split("copy at")[1]
    assert MIRROR in shown
    assert "/vol/sv/vmvol1" in shown
    found = json.loads(night("list", "--json").out)["replicas"]
    assert [(one["job"], one["destination"], one["failure"]) for one in found] == [
        ("vol1", MIRROR, ""),
        ("vol1", "/vol/sv/vmvol1", ""),
    ]
    assert all(0 <= one["lag"] < 3600 for one in found)
    since = [one.command for one in night.ledger if one.command.startswith("snap")][len(asked) :]
    assert set(since) == {"snap list vmvol1"}


def test_status_json_and_metrics_show_how_far_each_destination_is_behind(at_lab: Make) -> None:
    night = replicated(at_lab)
    metrics = night.lab.directory / "snapall.prom"
    night.config.write_text(f"metrics = {string(str(metrics))}\n{night.config.read_text()}")
    assert "SA-1931" in night("status").out
    assert night("run").code == 0
    ended = night("status", "--json")
    (job,) = json.loads(ended.out)["jobs"]
    assert [one["destination"] for one in job["replicas"]] == [MIRROR, "/vol/sv/vmvol1"]
    assert all(0 <= one["lag"] < 3600 and not one["failure"] for one in job["replicas"])
    assert job["level"] == "OK"
    assert f'snapall_replica_lag_seconds{{job_name="vol1",destination="{MIRROR}"}}' in metrics.read_text()


def test_a_destination_that_is_too_far_behind_is_a_warning(at_lab: Make) -> None:
    night = replicated(at_lab, f"{TABLE}max_lag = 0.000001\n")
    assert night("run").code == 0
    ended = night("status")
    assert "SA-1932" in ended.out
    assert "WARNING" in ended.out


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("snapmirror status", FaultKind.FAIL, text="snapmirror is not licensed."), "SA-1901"),
        (Fault("snapmirror status", FaultKind.GARBAGE, text="Snapmirror is off."), "SA-1902"),
        (
            Fault("snapmirror update", FaultKind.FAIL, text="Transfer aborted: cannot connect to source filer."),
            "SA-1910",
        ),
    ],
)
def test_a_failure_is_partial_and_named_and_the_backup_and_the_vault_go_on(
    at_lab: Make, fault: Fault, code: str
) -> None:
    night = replicated(at_lab)
    night.fault(fault)
    ended = night("run")
    assert ended.code == 3
    assert code in ended.err
    night.assert_shifted_by_one()
    night.assert_nothing_is_quiesced()
    assert sent(night)[-2:] == SENT[1:]
    assert "SA-1930" in night("status").out


def test_a_clone_in_the_source_is_not_transferred(at_lab: Make) -> None:
    night = replicated(at_lab)
    base = "filer2(0084186432)_vmvol1_mirror.0"
    night.fault(Fault("snap create", FaultKind.TAG, snapshot=base, text="busy,LUNs,snapmirror"))
    ended = night("run")
    assert ended.code == 3
    assert "SA-1908" in ended.err
    assert sent(night) == []


def test_a_lost_answer_to_an_update_is_settled_by_the_status_and_nothing_is_sent_twice(at_lab: Make) -> None:
    night = replicated(at_lab)
    night.fault(Fault("snapmirror update", FaultKind.ACT_NO_ANSWER))
    assert night("run").code == 0
    assert sent(night) == SENT


def test_a_backup_below_the_wanted_grade_stays_at_home_and_says_so(at_lab: Make) -> None:
    night = replicated(at_lab, f'{TABLE}grade = "whole"\n')
    night.fault(Fault("vcbsnapshot create", FaultKind.FAIL))
    ended = night("run")
    assert ended.code == 3
    assert "SA-1920" in ended.err
    assert sent(night) == []


@pytest.mark.parametrize("name", ["vol1", "renamed"])
def test_after_a_signal_recover_settles_the_transfer_of_a_job_by_any_name_and_sends_nothing(
    at_lab: Make, signals_as_a_terminal_gives_them: None, name: str
) -> None:
    night = replicated(at_lab)
    night.fault(signal_at("snapmirror update", signal.SIGTERM, FaultKind.SIGNAL_AFTER))
    ended = night("run")
    assert "SA-1927" in ended.err
    before = sent(night)
    assert before == SENT[:1]
    night.config.write_text(night.config.read_text().replace("[jobs.vol1", f"[jobs.{name}"))
    ended = night("recover")
    assert ended.code == 3  # the vault was not sent
    assert "SA-1918" in ended.err
    assert sent(night) == before
    assert night("recover").code == 0


@pytest.mark.parametrize("tag", ["busy,snapmirror", "snapvault", "busy,snapvault", "busy,dump"])
def test_what_a_relation_or_a_tape_holds_is_not_rotated(at_lab: Make, tag: str) -> None:
    night = at_lab(site=batch())
    night.fault(Fault("snap create", FaultKind.TAG, snapshot="vmware_previous", text=tag))
    ended = night("run")
    assert ended.code == 3
    assert not [one for one in night.changes if one.startswith(("snap rename", "snap delete"))]
    night.assert_no_backup_is_lost()


def destinations(night: AtLab) -> dict[str, tuple[str, str, str]]:
    """What the doctor says of each: mark, text, code."""
    links = json.loads(night("doctor", "--json").out)["links"]
    return {one["of"]: (one["mark"], one["text"], one["code"]) for one in links if one["link"] == "destination"}


def test_the_doctor_looks_at_each_destination_and_sends_nothing(at_lab: Make) -> None:
    night = replicated(at_lab)
    found = destinations(night)
    assert set(found) == {MIRROR, "/vol/sv/vmvol1"}
    assert all(mark == "ok" for mark, _, _ in found.values()), found
    assert "Snapmirrored, Idle, 1 h" in found[MIRROR][1]
    assert all(one.effect is None for one in night.ledger)


@pytest.mark.parametrize(
    ("fault", "state", "code"),
    [
        ((), "Broken-off", "SA-1905"),
        ((), "Uninitialized", "SA-1904"),
        (("snapmirror status", "snapmirror: vmvol1_mirror: no such destination"), "Snapmirrored", "SA-1903"),
        (("snapmirror update", "snapmirror: permission denied"), "Snapmirrored", "SA-1900"),
        (("snapmirror status", "snapmirror is off."), "Snapmirrored", "SA-1902"),
    ],
)
def test_the_doctor_names_a_destination_that_no_update_can_reach(
    at_lab: Make, fault: tuple[str, ...], state: str, code: str
) -> None:
    night = replicated(at_lab)
    with night.world.transaction() as it:
        it.db.execute("UPDATE relations SET state = ? WHERE kind = 'snapmirror'", (state,))
    if fault:
        night.fault(Fault(fault[0], FaultKind.FAIL, text=fault[1], times=0))
    found = destinations(night)
    assert (found[MIRROR][0], found[MIRROR][2]) == ("warn", code)
    assert found["/vol/sv/vmvol1"][0] == "ok"

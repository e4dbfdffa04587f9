"""The doctor at the lab: each fault is planted alone, found in its link, named, and given a remedy."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paramiko
import pytest

from snapall.backup import rights
from snapall.backup.clock import SystemClock
from snapall.backup.facts import Intent, Surveyed
from snapall.backup.lock import hold
from snapall.backup.model import Vm
from snapall.backup.steps import Quiesce
from snapall.config.load import load
from snapall.config.secret import Secret
from snapall.config.settings import Vcenter
from snapall.errors import SiteError
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Entry
from snapall.lab.sites import SiteSpec
from snapall.operate.doctor.checklist import Checklist, CheckOutcome, Mark
from snapall.operate.doctor.machine import guardian_outlook
from snapall.operate.doctor.vmware import clocks, password_seen
from snapall.operate.status import Level
from tests.backup.access import let_everybody_read, let_everybody_write
from tests.backup.holders import held_though_dead
from tests.backup.simulated import Stage
from tests.lab import external_actors
from tests.lab.atlab import AtLab, Ended
from tests.lab.sites import batch, big
from tests.platforms import posix, with_fork, with_modes
from tests.schedulers import stand_in

Make = Callable[..., AtLab]
FIXTURES = Path(__file__).parents[2] / "fixtures"
NOW = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault: how to cause it, the link that must report it, its severity, and a part of its message."""

    link: str
    mark: Mark
    says: str
    plant: Callable[[AtLab], object]
    site: Callable[[], SiteSpec] = batch


def edited(old: str, new: str) -> Callable[[AtLab], None]:
    return lambda night: night.edit(old, new)


def in_database(*statements: str) -> Callable[[AtLab], None]:
    def plant(night: AtLab) -> None:
        with sqlite3.connect(night.lab.directory / "virtualcenter.db") as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    return plant


def written(name: str, text: str) -> Callable[[AtLab], object]:
    return lambda night: (night.lab.directory / name).write_text(text)


def another_key(night: AtLab) -> None:
    paramiko.RSAKey.generate(1024).write_private_key_file(str(night.lab.directory / "id_rsa"))


def changed_host_key(night: AtLab) -> None:
    path = night.lab.directory / "known_hosts"
    host = path.read_text().split()[0]
    path.write_text(f"{host} ssh-rsa {paramiko.RSAKey.generate(1024).get_base64()}\n")


def modern_only(night: AtLab) -> None:
    night.edit("known_hosts =", 'ssh_algorithms = "modern"\nknown_hosts =')


def revoked_host_key(night: AtLab) -> None:
    path = night.lab.directory / "known_hosts"
    path.write_text(f"{path.read_text()}@revoked {path.read_text()}")


def dead_run(night: AtLab) -> None:
    settings = load(night.config)
    stage = Stage(settings.state, settings.jobs["vol1"])
    stage.begun(Surveyed((), (Vm(108, "web01"),), (), (), ()), Intent(1, Quiesce(Vm(108, "web01"), "Quiesce-x")))


def broken_journal(night: AtLab) -> None:
    dead_run(night)
    journal = next((night.lab.directory / "snapall.state").glob("**/*.jsonl"))
    journal.write_text("no journal\nneither is this\n")


def deep(night: AtLab) -> None:
    for n in range(31):
        external_actors.make_vm_snapshot(night.world, 110, f"by hand {n}")


def many_snapshots(night: AtLab, count: int = 251) -> None:
    for n in range(count):
        external_actors.make_filer_snapshot(night.world, "vmvol1", f"hand{n}")
    external_actors.shrink_filer_snapshots(night.world, "hand%")


def orphaned() -> SiteSpec:
    return replace(batch(), vm_snapshots=((1200, 110, "Quiesce"),))


def volume(**how: object) -> Callable[[AtLab], None]:
    return lambda night: external_actors.set_volume(night.world, "vmvol1", **how)  # type: ignore[arg-type]


def faulty(on: str, kind: FaultKind, text: str = "") -> Callable[[AtLab], None]:
    return lambda night: night.fault(Fault(on, kind, times=0, text=text))


def tagged(night: AtLab) -> None:
    external_actors.tag(night.world, "vmvol1", "vmware_snap3", "busy")


def scheduled(night: AtLab) -> None:
    external_actors.set_automatic_snapshots(night.world, "vmvol1", sched="0 2 6@8,12,16,20")


def autodelete(night: AtLab) -> None:
    night.world.set(version="NetApp Release 7.2.3: Thu Jul  5 08:32:41 PDT 2007")
    external_actors.set_automatic_snapshots(night.world, "vmvol1", autodelete="on")


def unreached(night: AtLab) -> None:
    faulty("vcbsnapshot find", FaultKind.REFUSE)(night)
    faulty("vcbsnapshot create", FaultKind.REFUSE)(night)


def hooked(when: str) -> Callable[[AtLab], object]:
    table = f'\n[jobs.vol1.hooks]\n{when} = ["/nowhere/hook"]\n'
    return lambda night: night.config.write_text(f"{night.config.read_text()}{table}")


def sample(name: str) -> str:
    return (FIXTURES / f"{name}.txt").read_text()


def said_by_vcbsnapshot(name: str) -> Callable[[AtLab], None]:
    def plant(night: AtLab) -> None:
        for what in ("find", "create"):
            faulty(f"vcbsnapshot {what}", FaultKind.FAIL, sample(f"vcbsnapshot/{name}"))(night)

    return plant


def file_for_journals(night: AtLab) -> None:
    state = load(night.config).state
    state.mkdir(mode=0o700)
    (state / "journals").write_text("")


def folder_for_lock(night: AtLab) -> None:
    (load(night.config).state / "vol1.lock").mkdir(mode=0o700, parents=True)


DENIED = "user snapall denied access - missing required capability: 'cli-x'"


def denied(asked: str) -> Callable[[AtLab], None]:
    return faulty(asked, FaultKind.FAIL, DENIED)


@pytest.mark.parametrize("confined", [True, False])
def test_a_guardian_that_would_end_with_its_run_is_a_warning_with_a_remedy(confined: bool) -> None:
    found = guardian_outlook(confined=confined)
    assert (found.code, "`snapall recover` at boot" in found.remedy) == (("SA-1953", True) if confined else ("", False))


BROKEN, WARNED = Mark.FAILURE, Mark.WARNING
CLUSTER = "NetApp Release 8.2.1 Cluster-Mode: Fri Mar 21 14:48:58 PDT 2014"
PLANTED = {
    "a password that others may read": Planted(
        "file permissions", WARNED, "vc.secret", lambda night: let_everybody_read(night.lab.directory / "vc.secret")
    ),
    "a key that its group may read": Planted(
        "file permissions", WARNED, "id_rsa", lambda night: (night.lab.directory / "id_rsa").chmod(0o640)
    ),
    "host keys that everybody may write": Planted(
        "file permissions",
        WARNED,
        "known_hosts",
        lambda night: let_everybody_write(night.lab.directory / "known_hosts"),
    ),
    "a file in the place of the journals": Planted(
        "outstanding work of vol1", BROKEN, "journals cannot be read: ", file_for_journals
    ),
    "a folder in the place of the lock": Planted("lock of vol1", BROKEN, "vol1.lock", folder_for_lock),
    "a file in the place of the state folder": Planted(
        "state folder", BROKEN, "snapall.state is a file", written("snapall.state", "")
    ),
    "a folder in the place of the log": Planted(
        "log", WARNED, "snapall.log is a folder", lambda night: (night.lab.directory / "snapall.log").mkdir()
    ),
    "metrics in a folder that is not there": Planted(
        "metrics", WARNED, "nowhere", edited("snapall.log\"", "snapall.log\"\nmetrics = \"nowhere/snapall.prom\"")
    ),
    "a before-hook that is not there": Planted("hooks of vol1", BROKEN, "/nowhere/hook", hooked("before")),
    "another hook that is not there": Planted("hooks of vol1", WARNED, "/nowhere/hook", hooked("on_failure")),
    "a VM that a dead run left": Planted("outstanding work of vol1", BROKEN, "web01 (vm-108)", dead_run),
    "a journal that cannot be read": Planted("outstanding work of vol1", BROKEN, ".jsonl", broken_journal),
    "a database driver that is not there": Planted(
        "database driver", BROKEN, "driver is missing", edited('url   = "sqlite:', 'url   = "nosuchdb+nodriver:')
    ),
    "a database that does not answer": Planted(
        "database login", BROKEN, "cannot be reached", lambda night: external_actors.set_database(night.world, up=False)
    ),
    "a table that is missing": Planted("tables", BROKEN, "table is missing", in_database("DROP TABLE VPX_SNAPSHOT")),
    "a column that is missing": Planted(
        "tables", BROKEN, "column is missing", in_database("ALTER TABLE VPX_SNAPSHOT RENAME COLUMN CREATE_TIME TO X")
    ),
    "names that may not be read": Planted(
        "tables", WARNED, "names of VMs cannot be read", in_database("DROP TABLE VPX_ENTITY")
    ),
    "a datastore without a VM": Planted("datastores of vol1", BROKEN, "999", edited("[688]", "[999]")),
    "a datastore's name that is none": Planted("datastores of vol1", BROKEN, "nosuch", edited("[688]", '["nosuch"]')),
    "a program that is not there": Planted(
        "vcbsnapshot", BROKEN, "nosuchprogram", edited("vcbsnapshot = [", 'vcbsnapshot = ["nosuchprogram", ')
    ),
    "a password that VirtualCenter refuses": Planted(
        "vcbsnapshot login", BROKEN, "refused the login", written("vc.secret", "wrong")
    ),
    "a login that vcbsnapshot says failed": Planted(
        "vcbsnapshot login", BROKEN, "refused the login", said_by_vcbsnapshot("bad_login")
    ),
    "a privilege that is missing": Planted(
        "vcbsnapshot login", BROKEN, "lacks a privilege", said_by_vcbsnapshot("no_privilege")
    ),
    "a VirtualCenter that does not answer": Planted(
        "vcbsnapshot login", BROKEN, "does not reach", unreached
    ),
    "a filer that does not answer": Planted(
        "filer reachable of filer1", BROKEN, "port 1", lambda night: _port(night, "1")
    ),
    "a filer that hangs up": Planted(
        "filer algorithms of filer1", BROKEN, "before the command was sent", faulty("login", FaultKind.REFUSE)
    ),
    "a host key that is not known": Planted(
        "filer host key of filer1", BROKEN, "is not known", written("known_hosts", "")
    ),
    "a host key that has changed": Planted("filer host key of filer1", BROKEN, "HAS CHANGED", changed_host_key),
    "a host key that is revoked": Planted("filer host key of filer1", BROKEN, "@revoked", revoked_host_key),
    "algorithms that the filer does not have": Planted(
        "filer algorithms of filer1", BROKEN, "has no ssh algorithm", modern_only
    ),
    "a key that the filer refuses": Planted("filer login of filer1", BROKEN, "refused the ssh login", another_key),
    "a filer in Cluster-Mode": Planted(
        "version of filer1", BROKEN, "7-Mode", lambda night: night.world.set(version=CLUSTER)
    ),
    "a volume that is not there": Planted(
        "volume of nosuchvol", BROKEN, "no volume nosuchvol", edited('["vmvol1"]', '["nosuchvol"]')
    ),
    "a volume that is offline": Planted("volume of vmvol1", BROKEN, "offline", volume(state="offline")),
    "a volume that is read-only": Planted("volume of vmvol1", BROKEN, "read-only", volume(read_only=True)),
    "a list that is not understood": Planted(
        "snap list of vmvol1", BROKEN, "is not complete", faulty("snap list", FaultKind.GARBAGE, "what?")
    ),
    **{
        f"`{asked}`, which a run needs and the role does not allow": Planted(
            f"{asked} of {of}", BROKEN, f"does not allow this login to run `{asked}`", denied(asked)
        )
        for asked, of in (("version", "filer1"), ("snap list", "vmvol1"))
    },
    "no room for one more snapshot": Planted("snap list of vmvol1", BROKEN, "255 snapshots", many_snapshots),
    "room for a few more snapshots only": Planted(
        "snap list of vmvol1", WARNED, "245 snapshots", lambda night: many_snapshots(night, 241)
    ),
    **{
        f"`{asked}`, which the login's role does not allow": Planted(
            f"{link} of vmvol1", WARNED, "not known", faulty(asked, FaultKind.FAIL, f"{asked}: permission denied")
        )
        for asked, link in (("vol status", "volume"), ("df", "space"), ("snap sched", "snap sched"))
    },
    "a tagged snapshot": Planted(
        "snap list of vmvol1", WARNED, "vmware_snap3", tagged
    ),
    "a volume that is full": Planted("space of vmvol1", BROKEN, "0 %", volume(full=True)),
    "a reserve that is too small": Planted(
        "space of vmvol1",
        WARNED,
        "beyond it",
        lambda night: external_actors.set_space(night.world, "vmvol1", reserve=0),
    ),
    "a reserve in a row of that name": Planted(
        "space of vmvol1", WARNED, "beyond it", faulty("df", FaultKind.GARBAGE, sample("filer/df_snap_reserve"))
    ),
    "a schedule of the filer's own": Planted(
        "snap sched of vmvol1", WARNED, "keeps 8", scheduled
    ),
    "a filer that deletes by itself": Planted("snap autodelete of vmvol1", WARNED, "by itself", autodelete),
    "a VM that is too deep in snapshots": Planted("plan of vol1", WARNED, "web02 (vm-110)", deep),
    "more VMs than one volume should have": Planted("plan of vol1", WARNED, "26", lambda _: None, lambda: big(26)),
    "an orphan": Planted("orphaned VM snapshots of vol1", WARNED, "web02 (vm-110)", lambda _: None, orphaned),
}  # fmt: skip


def _port(night: AtLab, port: str) -> None:
    text = night.config.read_text()
    old = next(line for line in text.splitlines() if line.startswith("port "))
    night.edit(old, f"port = {port}")


def run_checks(night: AtLab) -> tuple[Ended, list[dict[str, str]]]:
    ended = night("doctor", "--json")
    assert ended.code in {0, 1}, ended.err
    return ended, json.loads(ended.out)["links"]


def _name(link: dict[str, str]) -> str:
    return f"{link['link']} of {link['of']}" if link["of"] else link["link"]


# Both transports must understand a filer's answers; the connection itself, and what needs no filer, by ssh alone.
REPORTED_BY_A_FILER = {"version", "volume", "snap list", "space", "snap sched", "snap autodelete"}
BY_RSH = [name for name, one in PLANTED.items() if one.link.partition(" of ")[0] in REPORTED_BY_A_FILER]


OF_MODES = {"a key that its group may read"}
CASES = [pytest.param(n, "ssh", marks=with_modes if n in OF_MODES else ()) for n in PLANTED]


@pytest.mark.parametrize(("name", "transport"), [*CASES, *((n, "rsh") for n in BY_RSH)])
def test_a_planted_fault_is_found_in_its_link_and_has_a_remedy(at_lab: Make, name: str, transport: str) -> None:
    planted = PLANTED[name]
    night = at_lab(site=planted.site(), transport=transport)
    planted.plant(night)
    ended, links = run_checks(night)
    (found,) = [one for one in links if _name(one) == planted.link and one["mark"] == planted.mark]
    assert planted.says in found["text"]
    assert found["remedy"]
    assert ended.code == (1 if any(one["mark"] == BROKEN for one in links) else 0)
    others_broken = [_name(one) for one in links if one["mark"] == BROKEN and one is not found]
    assert others_broken in ([], ["plan of vol1"])  # a run's own survey says the same
    if transport == "ssh":
        assert_a_run_agrees(night, ended)


def assert_a_run_agrees(night: AtLab, doctor: Ended) -> None:
    """The doctor has a [FAIL] where a run takes no backup, quiesces no VM or may leave one quiesced, and only there."""
    ran = night("run")
    in_vain = ran.code in {1, 5} or (ran.code == 3 and not any(entry.effect for entry in creates(night)))
    assert (doctor.code == 1) == in_vain, ran.err


def creates(night: AtLab) -> list[Entry]:
    return [entry for entry in night.ledger if entry.system == "vcbsnapshot" and "-c" in entry.argv]


@posix("the stand-ins are scripts")
@pytest.mark.parametrize("transport", ["ssh", "rsh"])
def test_without_problems_nothing_is_found_and_nothing_is_changed(
    at_lab: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    night = at_lab(transport=transport)
    stand_in(tmp_path, monkeypatch)
    assert night("schedule", "--for", "cron", "--install").code == 0
    before = sorted(str(path) for path in night.lab.directory.rglob("*"))
    ended = night("doctor")
    assert ended.code == 0, ended.out
    assert "[FAIL]" not in ended.out
    assert "[warn]" not in ended.out
    assert ended.out.splitlines()[-1].startswith("no problems: ")
    assert all(entry.effect is None for entry in night.ledger)
    assert sorted(str(path) for path in night.lab.directory.rglob("*")) == before


def test_the_algorithms_of_a_filer_are_shown_and_the_old_ones_named(at_lab: Make) -> None:
    _, links = run_checks(at_lab(transport="ssh"))
    (shown,) = [one["text"] for one in links if _name(one) == "filer algorithms of filer1"]
    agreed = "diffie-hellman-group14-sha1, ssh-rsa, aes128-cbc, hmac-sha1"
    assert shown == f"agreed: {agreed}; old: {agreed}"


def test_checks_behind_a_broken_link_are_not_tried(at_lab: Make) -> None:
    night = at_lab(transport="ssh")
    written("known_hosts", "")(night)
    _, links = run_checks(night)
    untried = {_name(one): one["text"] for one in links if one["mark"] == Mark.NOT_TRIED}
    assert untried["filer login of filer1"] == "because filer host key of filer1 failed"
    assert {"version of filer1", "volume of vmvol1", "snap list of vmvol1", "plan of vol1"} <= set(untried)
    assert not any(entry.command for entry in night.ledger)


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.GARBAGE])
def test_a_filer_that_accepts_the_login_but_answers_badly_is_reported_by_its_version(
    at_lab: Make, transport: str, kind: FaultKind
) -> None:
    night = at_lab(transport=transport)
    faulty("version", kind, "what?")(night)
    ended, links = run_checks(night)
    marks = {_name(one): one["mark"] for one in links}
    assert (marks["filer login of filer1"], marks["version of filer1"]) == (Mark.OK, BROKEN)
    assert ended.code == 1


def test_a_filer_that_does_not_answer_is_not_queried_again(at_lab: Make) -> None:
    night = at_lab(transport="ssh")  # by rsh the lab cannot leave one so, but for a time-out
    faulty("vol status", FaultKind.DROP)(night)
    ended, links = run_checks(night)
    asked = [entry.command for entry in night.ledger if entry.of is None and entry.command]
    assert [command for command in asked if command != "version"] == ["vol status vmvol1"]
    (listing,) = [one for one in links if _name(one) == "snap list of vmvol1"]
    assert (listing["mark"], "did not answer `vol status vmvol1`" in listing["text"]) == (BROKEN, True)
    answers = [one for one in links if one["of"] == "vmvol1" and one["mark"] in {BROKEN, WARNED}]
    assert {one["remedy"] for one in answers} == {"check the filer's health, then run `snapall doctor` again"}
    assert ended.code == 1


def test_rsh_that_is_refused_is_a_login_that_is_refused(at_lab: Make) -> None:
    night = at_lab(transport="rsh")
    faulty("login", FaultKind.FAIL)(night)
    _, links = run_checks(night)
    marks = {_name(one): one["mark"] for one in links}
    assert (marks["filer reachable of filer1"], marks["filer login of filer1"]) == (Mark.OK, BROKEN)


def test_outstanding_work_of_a_job_removed_from_the_configuration_is_reported(at_lab: Make) -> None:
    night = at_lab()
    dead_run(night)
    night.edit("[jobs.vol1]", "[jobs.renamed]")
    _, links = run_checks(night)
    (outstanding,) = [one for one in links if _name(one) == "outstanding work of vol1"]
    assert outstanding["mark"] == BROKEN
    assert "web01 (vm-108)" in outstanding["text"]


def test_with_no_known_vm_the_vcbsnapshot_login_is_reported_as_not_tried(at_lab: Make) -> None:
    night = at_lab()
    external_actors.set_database(night.world, up=False)
    _, links = run_checks(night)
    (login,) = [one for one in links if _name(one) == "vcbsnapshot login"]
    assert login["mark"] == Mark.NOT_TRIED


@pytest.mark.parametrize(
    ("argv", "says", "code"),
    [
        (("vcbsnapshot",), "everybody in the process list of this machine", ""),
        (("sudo", "-u", "vcb", "vcbsnapshot"), "everybody in the process list of this machine", ""),
        (("nice", "/usr/bin/ssh", "proxy", "vcbsnapshot"), "this machine and of the one behind ssh", "SA-7120"),
        (("C:\\tools\\PsExec.exe", "\\\\proxy", "vcbsnapshot"), "of the one behind psexec", "SA-7120"),
    ],
)
def test_the_doctor_says_who_can_see_vcbsnapshots_password(argv: tuple[str, ...], says: str, code: str) -> None:
    seen = password_seen(Vcenter(host="vc01", user="vcbackup", password=Secret("vcpw"), vcbsnapshot=argv))
    assert says in seen.text
    assert "config.js" in seen.text + seen.remedy
    assert (seen.code, bool(seen.remedy)) == (code, bool(code))
    assert not password_seen(Vcenter(host="vc01", vcbsnapshot=argv)).remedy


def test_the_doctor_says_that_rsh_sends_a_password_in_clear(at_lab: Make) -> None:
    night = at_lab(transport="rsh")
    night.edit("local_user = ", 'user = "root:F1lerPw"\nlocal_user = ')
    ended, links = run_checks(night)
    (login,) = [one for one in links if one["link"] == "filer login"]
    assert "in clear" in login["text"]
    assert "F1lerPw" not in ended.out + ended.err


def test_a_password_in_the_databases_url_makes_the_configuration_a_secret(at_lab: Make) -> None:
    night = at_lab()
    night.edit('url   = "sqlite:', 'url   = "mssql+pyodbc://sa:geheim@VirtualCenter?x=')
    let_everybody_read(night.config)
    ended, links = run_checks(night)
    (permissions,) = [one for one in links if one["link"] == "file permissions"]
    assert (permissions["mark"], str(night.config) in permissions["text"]) == (WARNED, True)
    assert "geheim" not in ended.out + ended.err


def test_a_run_in_progress_is_reported(at_lab: Make) -> None:
    night = at_lab()
    state = load(night.config).state
    state.mkdir()
    with hold(state, "vol1", "run", SystemClock(), lambda: False):
        _, links = run_checks(night)
    (lock,) = [one for one in links if one["link"] == "lock"]
    assert lock["mark"] == WARNED
    assert "a run is at work" in lock["text"]


@with_fork
def test_doctor_and_status_name_a_lock_whose_holder_is_dead(at_lab: Make) -> None:
    night = at_lab()
    assert night("run").code == 0
    with held_though_dead(load(night.config).state) as pid:
        ended = night("status", "--nagios")
        _, links = run_checks(night)
    assert ended.code == Level.CRITICAL
    assert f"is still held although process {pid}, the run that it names, is dead" in ended.out
    (lock,) = [one for one in links if one["link"] == "lock"]
    assert lock["mark"] == Mark.FAILURE
    assert "fuser" in lock["remedy"]


@posix("Windows has no such groups")
def test_the_group_that_the_configuration_names_can_read_what_status_needs(at_lab: Make) -> None:
    import grp

    night = at_lab()
    group = grp.getgrgid(os.getegid())
    night.config.write_text(f'readers = "{group.gr_name}"\n{night.config.read_text()}')
    assert night("run").code == 0
    state = load(night.config).state
    (journal,) = (state / "journals").iterdir()
    seen = {path.name: (path.stat().st_mode & 0o777, path.stat().st_gid) for path in (state, journal.parent, journal)}
    assert seen == {
        state.name: (0o750, group.gr_gid),
        "journals": (0o750, group.gr_gid),
        journal.name: (0o640, group.gr_gid),
    }
    assert (state / "vol1.lock").stat().st_mode & 0o777 == 0o600
    state.chmod(0o700)
    _, links = run_checks(night)
    (folder,) = [one for one in links if one["link"] == "state folder"]
    assert "the group `readers` cannot read" in folder["text"]


@pytest.mark.parametrize(("left", "mark"), [(1 << 30, Mark.OK), (1 << 20, WARNED), (1 << 10, BROKEN)])
def test_the_room_that_is_left_for_journals_is_judged(
    at_lab: Make, monkeypatch: pytest.MonkeyPatch, left: int, mark: Mark
) -> None:
    night, usage = at_lab(), shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=left))
    _, links = run_checks(night)
    (folder,) = [one for one in links if one["link"] == "state folder"]
    assert (folder["mark"], f"only {left // 1024} KiB left" in folder["text"]) == (mark, mark != Mark.OK)


def test_all_configuration_faults_are_reported_with_exit_2(at_lab: Make) -> None:
    night = at_lab()
    night.edit("retain      = 4", "retain      = 0\nnonsense = 1")
    ended = night("doctor")
    assert ended.code == 2
    assert "retain" in ended.err
    assert "nonsense" in ended.err


def test_no_password_is_shown(at_lab: Make) -> None:
    night = at_lab()
    night.fault(Fault("vcbsnapshot find", FaultKind.FAIL, times=0, text=f"bad {night.world.settings.vc_password}"))
    ended = night("doctor")
    assert ended.code == 1
    assert night.world.settings.vc_password not in ended.out + ended.err


@pytest.mark.parametrize(
    ("apart", "says"), [(0, "within"), (59, "within"), (-59, "within"), (120, "120 s ahead"), (-3600, "3600 s behind")]
)
def test_two_clocks_may_differ_by_a_minute(apart: float, says: str) -> None:
    seen = clocks(NOW + timedelta(seconds=apart), NOW)
    assert says in seen.text
    assert bool(seen.remedy) == (abs(apart) > 60)


def test_a_file_that_goes_while_it_is_looked_at_is_a_broken_link() -> None:
    checks = Checklist()
    secret = Path("/nowhere/secret")
    assert not checks.check("file permissions", "", lambda: CheckOutcome(str(secret.stat())))
    assert checks.results[0].mark == Mark.FAILURE
    assert checks.results[0].text.startswith(f"{secret}: ")


def test_a_chain_of_links_breaks_at_its_first_broken_one() -> None:
    def broken() -> CheckOutcome:
        raise SiteError("no", "mend it")

    checks = Checklist()
    assert checks.check("a", "", lambda: CheckOutcome("fine"))
    assert not checks.check("b", "", broken, "a")
    assert not checks.check("c", "", lambda: CheckOutcome("never"), "b")
    assert not checks.check("d", "", lambda: CheckOutcome("never"), "c")
    assert checks.check("e", "", lambda: [CheckOutcome("one"), CheckOutcome("two", "look")], "a")
    marks = [Mark.OK, Mark.FAILURE, Mark.NOT_TRIED, Mark.NOT_TRIED, Mark.OK, Mark.WARNING]
    assert [one.mark for one in checks.results] == marks


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_program_that_is_not_there_is_named_before_anything_is_tried(at_lab: Make, command: str) -> None:
    night = at_lab()
    night.edit("vcbsnapshot = [", 'vcbsnapshot = ["nosuchprogram", ')
    ended = night(command)
    assert "the program nosuchprogram is not on this machine" in ended.out + ended.err
    assert "set `vcbsnapshot` in [vcenter] to its full path" in " ".join((ended.out + ended.err).split())
    assert creates(night) == []
    assert ended.code == (3 if command == "run" else 0)
    night.assert_nothing_is_quiesced()


def test_a_program_that_is_not_there_is_no_matter_for_a_job_without_a_vm(at_lab: Make) -> None:
    night = at_lab()
    night.edit("vcbsnapshot = [", 'vcbsnapshot = ["nosuchprogram", ')
    night.edit("[688]", "[999]\nallow_empty = true")
    assert "nosuchprogram" not in night("plan").out.partition("warnings")[2]


def test_a_run_warns_of_a_secret_that_others_may_read_once_for_all_jobs(at_lab: Make) -> None:
    night = at_lab()
    secret = night.lab.directory / "vc.secret"
    assert "holds a secret" not in night("run").err
    let_everybody_read(secret)
    ended = night("run")
    assert ended.code == 0
    (warning,) = [line for line in ended.err.splitlines() if "holds a secret" in line]
    assert "SA-7103" in warning
    assert str(secret) in warning
    assert rights.one_reader(secret) in ended.err


def test_a_banner_and_a_takeover_are_warnings_of_doctor_run_and_plan(at_lab: Make) -> None:
    night = at_lab()
    night.world.set(
        version="Authorized use only.\nfiler1(takeover)> NetApp Release 7.2.3: Thu Jul  5 08:32:41 PDT 2007"
    )
    for command in ("doctor", "plan", "run"):
        ended = night(command)
        assert ended.code == 0, ended.err
        said = " ".join((ended.out + ended.err).split())
        for part in ("prints a login banner", "Authorized use only.", "is in takeover", "cf giveback"):
            assert part in said, command


def test_a_partner_that_answers_stops_doctor_run_and_plan(at_lab: Make) -> None:
    night = at_lab()
    night.world.set(version="head2(takeover)> NetApp Release 7.2.3: Thu Jul  5 08:32:41 PDT 2007")
    for command in ("doctor", "plan", "run"):
        ended = night(command)
        assert ended.code == 1
        assert "SA-4163" in ended.out + ended.err
        assert "cf status" in ended.out + ended.err
    assert not any(entry.effect for entry in night.ledger)


def test_while_a_run_is_at_work_its_quiesced_vms_are_no_failure(at_lab: Make) -> None:
    night = at_lab()
    dead_run(night)
    with hold(load(night.config).state, "vol1", "run", SystemClock(), lambda: False):
        _, links = run_checks(night)
    (outstanding,) = [one for one in links if _name(one) == "outstanding work of vol1"]
    assert outstanding["mark"] == Mark.OK
    assert "web01 (vm-108)" in outstanding["text"]


@pytest.mark.parametrize("name", ["vol_status_clone", "vol_status_hybrid_cache"])
def test_a_volume_that_only_speaks_of_read_only_is_backed_up(at_lab: Make, name: str) -> None:
    night = at_lab()
    faulty("vol status", FaultKind.GARBAGE, sample(f"filer/{name}"))(night)
    ended, links = run_checks(night)
    (volume,) = [one for one in links if _name(one) == "volume of vmvol1"]
    assert (ended.code, volume["mark"]) == (0, Mark.OK)
    assert night("run").code == 0
    night.assert_shifted_by_one()


def test_a_bad_login_is_tried_once_and_a_missing_privilege_for_every_vm(at_lab: Make) -> None:
    tried = {}
    for name in ("bad_login", "no_privilege"):
        night = at_lab()
        said_by_vcbsnapshot(name)(night)
        ended = night("run")
        tried[name] = len(creates(night))
        assert ("Remove Snapshot" in ended.err) == (name == "no_privilege")
    assert tried == {"bad_login": 1, "no_privilege": 3}

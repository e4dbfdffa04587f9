"""The table of what provokes each message, on the lab: tests/end_to_end/test_messages_provoked.py tries every row."""

from __future__ import annotations

import paramiko

from snapall.lab.faults import CREATE, FaultKind
from tests.end_to_end.provocations_of_state import LEFT_BEHIND
from tests.end_to_end.provoking import Prepare, Provoked, after, edited, job, lab, line, made, named, query, top, volume
from tests.lab.atlab import AtLab

GARBAGE, FAIL, DROP, HALF = FaultKind.GARBAGE, FaultKind.FAIL, FaultKind.DROP, FaultKind.HALF
LOGIN = "Error: Cannot complete login due to an incorrect user name or password."
DENIED = "version: Permission denied."


def _removed(name: str) -> Prepare:
    return lambda night: (night.config.parent / name).unlink()


def _other_host_key(night: AtLab) -> None:
    key = paramiko.RSAKey.generate(1024)
    (night.config.parent / "known_hosts").write_text(f"[127.0.0.1]:{night.lab.port} ssh-rsa {key.get_base64()}\n")


USAGE = (
    Provoked("SA-1420", "run --if-older-than 5x", 2, "'5x' is not an age", "90m, 20h, 2d"),
    Provoked("SA-1420", "run --if-older-than 5h --keep x", 2, "exclude each other", "leave out one of them"),
    Provoked("SA-1423", "run --dry-run", 2, "there is no --dry-run", "`snapall plan`"),
    Provoked("SA-1425", "recover nosuch", 2, "no such job: 'nosuch'", "name one of vol1"),
    Provoked("SA-1433", "delete nosuch", 1, "no kept backup nosuch", "`snapall list --kept`"),
    Provoked(
        "SA-1434", "delete vmware_recent", 1, "was not made by", "`snap delete vmvol1 vmware_recent` on the filer"
    ),
    Provoked("SA-1003", "run --keep twice", 1, "already has a snapshot", "another name", after("run --keep twice")),
    Provoked("SA-5202", "show", 2, "there is no run in {here}", "`snapall run`"),
    Provoked("SA-5203", "show 1999", 2, "there is no run '1999'", "choose a run", after("run")),
    Provoked("SA-6003", "show --svg no/x.svg", 1, "x.svg cannot be written: No such", "--svg", after("run")),
    Provoked("SA-7003", "run nosuch", 2, "no such job: 'nosuch'", "the file has vol1"),
    Provoked("SA-7004", "run --order paper", 2, 'only "any" goes with', "--order paper", job('publish = "whole"')),
    Provoked("SA-7005", "run --keep vmware_recent", 2, "that job vol1 rotates", "choose another name"),
    Provoked("SA-7005", "run --keep hourly.0", 2, "that the filer itself uses", "choose another name"),
    Provoked("SA-7005", "run --keep /x", 2, "'/x' cannot be a snapshot's name", "letters, digits"),
    Provoked("SA-7150", "doctor --notify", 2, "there is no channel to test", "[notify.syslog], [notify.eventlog] or"),
    Provoked("SA-1960", "schedule --at 25:00", 2, "'25:00' is not a time", "for example 03:00"),
    Provoked("SA-1970", "doctor", 0, "schedules the backup", "--install --config {here}/snapall.toml`"),
    Provoked("SA-1971", "doctor", 0, "`snapall recover` at boot", "--install --config {here}/snapall.toml`"),
)

CONFIGURATION = (
    Provoked("SA-7001", "plan", 2, "jobs.vol1.retain: must be 1 or more", "correct the file", line("retain", "0")),
    Provoked("SA-7001", "plan", 2, "jobs.vol1.filer: there is no table [filers.f2]", "correct", line("filer", '"f2"')),
    Provoked("SA-7001", "plan", 2, '"nogroup1" is not a group', "correct the file", top('readers = "nogroup1"')),
    Provoked("SA-7001", "plan", 2, "`query` that returns VM ids", "correct the file", line("datastores", "")),
    Provoked("SA-7001", "plan", 2, "is not valid TOML", "at that place", job("a = [")),
    Provoked("SA-7001", "plan", 2, "vc.secret", "or what it names", _removed("vc.secret")),
    Provoked("SA-7002", "plan", 2, "{here}/snapall.toml: there is no such", "--config", _removed("snapall.toml")),
    Provoked("SA-1504", "run", 1, "{here}/f cannot be written", "move away", after(made("f"), line("state", '"f"'))),
    Provoked("SA-5301", "doctor", 1, "{here}/f is a file", "another path", after(made("f"), line("state", '"f"'))),
    Provoked(
        "SA-6001", "run", 0, "the log {here}/no/x.log: No such", "create the log's folder", line("log", '"no/x.log"')
    ),
    Provoked("SA-6002", "run", 0, "the metrics {here}/no/x", "in a folder that exists", top('metrics = "no/x.prom"')),
    Provoked(
        "SA-5102",
        "run",
        1,
        "nosuchhook cannot be started: No such",
        "hooks]",
        job('hooks = { before = ["nosuchhook"] }'),
    ),
    Provoked("SA-5103", "run", 0, "exit code 1", "check the hook", job('hooks = { after = ["false"] }')),
    Provoked(
        "SA-5303", "doctor", 1, "nosuchhook does not exist", "full path", job('hooks = { before = ["nosuchhook"] }')
    ),
)

DATABASE = (
    Provoked("SA-1001", "plan", 1, "no VM is on datastore 999", "allow_empty = true", line("datastores", "[999]")),
    Provoked("SA-1004", "plan", 1, "sql99 must be backed up", "`vms`", job('vms = { "sql99" = "must" }')),
    Provoked("SA-2006", "plan", 1, 'called "nosuch"', "`snapall datastores`", line("datastores", '["nosuch"]')),
    Provoked("SA-2103", "plan", 1, "driver is missing", "for nosuch beside", line("url", '"nosuch://u@h/x"')),
    Provoked(
        "SA-2107",
        "plan",
        1,
        "/no/x.db: there is no such file",
        "the path in database.url",
        line("url", '"sqlite:////no/x.db"'),
    ),
    Provoked("SA-2110", "plan", 1, "no such table: nosuch.VPX_VM", "database.owner", line("owner", '"nosuch"')),
    Provoked(
        "SA-2112",
        "plan",
        1,
        "not a database",
        "database.url",
        after(made("f", "x" * 5000), line("url", '"sqlite:///f"')),
    ),
    Provoked("SA-2131", "plan", 1, "no such table: VPX_NONE", "names of its tables", query("SELECT ID FROM VPX_NONE")),
    Provoked("SA-2132", "plan", 1, "no such column: NONE", "names of its columns", query("SELECT NONE FROM VPX_VM")),
    Provoked("SA-2134", "plan", 1, "syntax error", "database's own client", query("SELECT ID FROM FROM")),
    Provoked("SA-2136", "plan", 1, "returns no row", "WHERE", query("SELECT ID FROM VPX_VM WHERE ID = 0")),
    Provoked("SA-2137", "plan", 1, "row 1 has 'web'", "VPX_VM.ID", query("SELECT 'web' FROM VPX_VM")),
    Provoked("SA-2138", "plan", 1, "ids that are not VMs: 4711", "join VPX_VM", query("SELECT 4711 FROM VPX_VM")),
)

VMS = (
    Provoked(
        "SA-1101",
        "run",
        1,
        "although `vms` says must: ",
        "vcbsnapshot failed",
        after(job('vms = { "*" = "must" }'), named("vm-fails")),
    ),
    Provoked("SA-1102", "run", 3, "incorrect user name", "account is locked", lab(CREATE, FAIL, LOGIN)),
    Provoked(
        "SA-1102", "run", 3, "nosuchvcb cannot be started: No such", "doctor", line("vcbsnapshot", '["nosuchvcb"]')
    ),
    Provoked("SA-1104", "run", 3, "unable to open database file", "rights", named("database-down-after-capture")),
    Provoked("SA-1113", "run", 5, "web01 (vm-108): no longer registered", "Snapshot Manager", named("vm-unregistered")),
    Provoked("SA-1306", "run", 3, "stays pending", "`snapall show`", named("all-fail")),
    Provoked("SA-1307", "run", 3, "vmware_snap4 on vmvol1 is in use", "end what uses it", named("busy-oldest")),
    Provoked("SA-1422", "run", 0, "is on record in {here}", "set `state` to the folder"),
    Provoked(
        "SA-3002", "doctor", 1, "nosuchvcb is not on this machine", "full path", line("vcbsnapshot", '["nosuchvcb"]')
    ),
)

FILER = (
    Provoked("SA-1206", "run", 1, "No space left on device", "`snapall run` again", named("volume-full")),
    Provoked(
        "SA-4002",
        "plan",
        1,
        "filer1: the snapshot list of vmvol1",
        "shows the volume",
        lab("snap list", GARBAGE, "what?"),
    ),
    Provoked(
        "SA-4003",
        "plan",
        1,
        "filer1: a line of `snap list`",
        "snap list -n",
        lab("snap list", FAIL, "snap list: what?"),
    ),
    Provoked("SA-4004", "plan", 1, "filer1 has no volume nosuch", "`vol status`", line("volumes", '["nosuch"]')),
    Provoked(
        "SA-4006",
        "plan",
        1,
        "filer1 answers `version` with",
        "`host` and `port`",
        lab("version", GARBAGE, "Linux 5.10"),
    ),
    Provoked(
        "SA-4007",
        "plan",
        1,
        "filer1 does not run Data ONTAP in 7-Mode",
        "runs in 7-Mode",
        lab("version", GARBAGE, "NetApp Release 9.1: Fri Mar 21 2017"),
    ),
    Provoked("SA-4008", "plan", 1, "filer1 did not report its version", "`version` on the filer", lab("version", DROP)),
    Provoked("SA-4010", "plan", 1, "filer1 did not list all snapshots of vmvol1", "by hand", lab("snap list", HALF)),
    Provoked(
        "SA-4101", "plan", 1, "127.0.0.1 cannot be reached on port 1: Connection refused", "`port`", line("port", "1")
    ),
    Provoked(
        "SA-4102",
        "plan",
        1,
        "nosuch.invalid cannot be resolved: ",
        "DNS",
        edited('"127.0.0.1"', '"nosuch.invalid"'),
    ),
    Provoked(
        "SA-4103", "plan", 1, "no complete answer by rsh from the filer 127.0.0.1", "`snap list`", named("filer-down")
    ),
    Provoked("SA-4104", "plan", 1, "Permission denied", "/etc/hosts.equiv", lab("login", FAIL, "Permission denied.")),
    Provoked("SA-4160", "plan", 1, "filer1 does not allow", "useradmin role modify", lab("version", FAIL, DENIED)),
    Provoked("SA-4201", "plan", 1, "filer1: volume vmvol1 is offline", "vol online vmvol1", volume(state="offline")),
)

SSH = (
    Provoked(
        "SA-4111",
        "plan",
        1,
        "refused the ssh login of nobody",
        "authorized_keys",
        edited('user      = "snapall"', 'user      = "nobody"'),
        ssh=True,
    ),
    Provoked("SA-4113", "plan", 1, "failed before the command was sent", "secureadmin", lab("login", DROP), ssh=True),
    Provoked("SA-4115", "plan", 1, "THE HOST KEY HAS CHANGED: the filer 127.0.0.1", "Ask", _other_host_key, ssh=True),
    Provoked(
        "SA-4117",
        "plan",
        1,
        "{here}/id_rsa cannot be used: it is not a private key",
        "ssh-keygen",
        made("id_rsa", "x"),
        ssh=True,
    ),
    Provoked("SA-4118", "plan", 1, "is not known", "add", made("known_hosts"), ssh=True),
    Provoked("SA-4119", "plan", 1, "No such file", "create the file", _removed("known_hosts"), ssh=True),
    Provoked("SA-4119", "plan", 1, "it is not plain text", "save it as ASCII", made("known_hosts", "a\0"), ssh=True),
)

USES = (
    Provoked("SA-1736", "unmount 20070322T040000Z", 2, "there is no mount 20070322T040000Z", "none"),
    Provoked("SA-1800", "runbook vol1 nosuch", 2, "job vol1 has no backup nosuch on record", "`snapall list vol1`"),
    Provoked("SA-1874", "verify vol1", 2, "job vol1 has no table [jobs.vol1.verify]", "`igroup`"),
    Provoked("SA-1740", "mount vol1 vmware_recent --vm web01", 2, "no initiator group was named", "--igroup NAME"),
    Provoked("SA-1742", "restore vol1 vmware_recent", 2, "name what is wanted", "--volume"),
    Provoked("SA-4301", "restore vol1 vmware_recent --vm web01", 1, "lists no LUN at all", "`lun show`"),
)

PROVOKED = (*USES, *USAGE, *CONFIGURATION, *DATABASE, *VMS, *FILER, *SSH, *LEFT_BEHIND)

from __future__ import annotations

import json
import os
import sys
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from traceback import TracebackException

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from snapall.backup.model import Grade, Job, Order, VmPolicy
from snapall.config.complaints import keys_of
from snapall.config.load import check_keep, find, jobs_named, load, parse, with_order
from snapall.config.settings import Config, Database, JobSettings
from snapall.errors import ConfigError, Exit
from snapall.views.json_root import plain
from tests.platforms import posix

PLAIN = """
[vcenter]
host = "vc01.example.edu"
user = "vcbackup"
password = { env = "VCPWORD" }

[database]
url = "mssql+pyodbc://vc_user@VirtualCenter"

[filers.filer1]
host = "filer1.example.edu"
user = "snapall"
key_file = "id_rsa"
known_hosts = "known_hosts"

[jobs.vol1]
filer = "filer1"
volumes = ["vmvol1"]
datastores = [688]
"""
ENVIRON = {"VCPWORD": "vcpw", "EMPTY": "", "TWO": "one\ntwo"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "id_rsa").write_text("a key\n")
    return tmp_path


def read(folder: Path, text: str = PLAIN) -> Config:
    return parse(text, folder / "snapall.toml", ENVIRON)


def faults(folder: Path, text: str) -> list[str]:
    """The message for the text, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    assert caught.value.exit is Exit.USAGE
    begin = f"{folder / 'snapall.toml'}: "
    lines = caught.value.message.split("\n")
    assert all(line.startswith(begin) for line in lines)
    return [line.removeprefix(begin) for line in lines]


@posix("Windows has no such groups")
def test_readers_is_a_group_of_this_machine(folder: Path) -> None:
    import grp

    one = grp.getgrgid(os.getegid())
    assert read(folder, f'readers = "{one.gr_name}"\n{PLAIN}').readers == one.gr_gid


def with_key(table: str, line: str) -> str:
    """The plain file with a further line in a table."""
    return PLAIN.replace(f"[{table}]\n", f"[{table}]\n{line}\n")


def without_key(table: str, key: str) -> str:
    head, rest = PLAIN.split(f"[{table}]\n")
    lines = rest.split("\n")
    lines.remove(next(line for line in lines if line.startswith(f"{key} =")))
    return f"{head}[{table}]\n" + "\n".join(lines)


def second_job(lines: str) -> str:
    return f'{PLAIN}\n[jobs.other]\nfiler = "filer1"\ndatastores = [689]\n{lines}\n'


def test_a_short_file_gets_the_defaults(folder: Path) -> None:
    config = read(folder)
    assert (config.state, config.log) == (folder / "snapall.state", folder / "snapall.log")
    assert (config.log_time, config.keep_journals) == ("%m/%d/%Y %I:%M %p", 400)
    assert config.readers is None
    vcenter = config.vcenter
    assert (vcenter.vcbsnapshot, vcenter.parallel) == (("vcbsnapshot",), 4)
    assert (vcenter.timeout, vcenter.remove_timeout, vcenter.settle) == (960, 14400, 960)
    assert vcenter.password is not None
    assert vcenter.password.reveal() == "vcpw"
    assert (config.database.password, config.database.owner, config.database.timeout) == (None, None, 30)
    filer = config.filers["filer1"]
    assert (filer.name, filer.transport, filer.port, filer.timeout) == ("filer1", "ssh", 22, 120)
    assert (filer.key_file, filer.known_hosts) == (folder / "id_rsa", folder / "known_hosts")
    assert (filer.local_user, filer.reserved_port) == (None, True)
    job = config.jobs["vol1"]
    assert job.chain == ("vmware_recent", "vmware_previous", "vmware_snap3", "vmware_snap4")
    assert (job.prefix, job.vm_snapshot, job.order, job.publish) == ("vmware", "Quiesce", Order.SAFE, Grade.PARTIAL)
    assert (job.max_quiesced, job.busy_wait, job.allow_empty, job.guardian) == (900, 600, False, True)
    assert job.policies.rules == ()


def test_the_vms_table_keeps_the_order_of_the_file(folder: Path) -> None:
    rules = 'vms = { "test-*" = "skip", "sql01" = "must", "a*" = "try" }'
    job = read(folder, with_key("jobs.vol1", rules)).jobs["vol1"]
    assert job.policies.rules == (("test-*", VmPolicy.SKIP), ("sql01", VmPolicy.MUST), ("a*", VmPolicy.TRY))


EVERY_KEY = """
[jobs.own]
filer = "filer1"
volumes = ["a", "b"]
datastores = ["gold"]
prefix = "own"
chain = ["x", "y"]
vm_snapshot = "Freeze"
order = "paper"
publish = "any"
max_quiesced = 1
busy_wait = 2
allow_empty = true
guardian = false
max_age = 3
vms = { "*" = "must" }
hooks = { before = ["true"] }
query = "SELECT ID FROM vc_user.VPX_VM"
vmx = { folder = "copies", user = "vmx", password = "pw", known_hosts = "known_hosts" }
replicate = { mirrors = [{ filer = "filer1", source = "filer1:a", destination = "filer2:a_mirror" }] }
luns = { "sql01" = ["/vol/a/data7", "/vol/b/q1/sql01.lun"] }
runbook = false
verify = { every = "12h", sample = 2, igroup = "helper", device = "/dev/{hex}", timeout = 5 }
"""


def test_every_key_of_a_job_reaches_the_core(folder: Path) -> None:
    config = read(folder, PLAIN + EVERY_KEY)
    job, plain_job = config.jobs["own"], config.jobs["vol1"]
    same = [one.name for one in fields(Job) if getattr(job, one.name) == getattr(plain_job, one.name)]
    assert same == ["filer"]  # there is one filer
    assert (job.max_age, job.chain, job.publish) == (3 * 3600, ("x", "y"), Grade.CRASH_CONSISTENT)
    assert config.hooks["own"].before == ("true",)
    assert config.vmx["own"].folder == folder / "copies"
    elsewhere = {"retain", "vms", "hooks", "vmx", "given", "luns", "runbook", "verify", "replicate"}
    assert set(JobSettings.model_fields) - {one.name for one in fields(Job)} == elsewhere
    written = tomllib.loads(EVERY_KEY)["jobs"]["own"]
    assert set(keys_of(JobSettings)) - {"retain"} == set(written)


def test_how_backups_are_proved_is_read_by_job(folder: Path) -> None:
    config = read(folder, PLAIN + EVERY_KEY)
    assert set(config.verify) == {"own"}
    assert (config.verify["own"].every, config.verify["own"].sample) == (12 * 3600, 2)
    least = read(folder, with_key("jobs.vol1", 'verify = { igroup = "helper", helper = ["check", "{serial}"] }'))
    assert (least.verify["vol1"].every, least.verify["vol1"].timeout) == (7 * 86400, 600)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ('igroup = "g"', "verify.device: is missing: name the device"),
        ('igroup = "g", device = "/dev/sdb"', "every LUN would be the same device"),
        ('igroup = "g", helper = ["check"]', "it cannot know the LUN"),
        ('igroup = "g", helper = ["check", "{device}"]', "though `helper` contains {device}"),
        ('device = "/dev/{id}"', "verify.igroup"),
        ('igroup = "g", device = "/dev/{id}", every = "7"', "must be a number of days, hours or minutes"),
        ('igroup = "g", device = "/dev/{id}", every = 7', "must be a number of days, hours or minutes"),
        ('igroup = "g", device = "/dev/{id}", every = "400d"', "a year at most"),
        ('igroup = "g", device = "/dev/{id}", sample = 0', "verify.sample"),
        ('igroup = "a b", device = "/dev/{id}"', "cannot be used"),
    ],
)
def test_a_verification_that_could_read_nothing_is_refused(folder: Path, written: str, fault: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(folder, with_key("jobs.vol1", f"verify = {{ {written} }}"))
    assert fault in refused.value.message


def test_luns_are_read_by_vm(folder: Path) -> None:
    table = read(folder, PLAIN + EVERY_KEY).job_tables["own"]
    assert (dict(table.luns), table.runbook) == ({"sql01": ("/vol/a/data7", "/vol/b/q1/sql01.lun")}, False)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ('{ sql01 = ["/vol/vmvol1"] }', "is no path of a LUN"),
        ('{ sql01 = ["/vol/vmvol1/a b"] }', "is no path of a LUN"),
        ('{ sql01 = ["/vol/vmvol1/q/r/s"] }', "is no path of a LUN"),
        ('{ sql01 = ["/vol/other/data7"] }', "is on no volume of the job"),
        ("{ sql01 = [] }", "luns.sql01"),
        ('{ sql01 = ["/vol/vmvol1/x"], mail01 = ["/vol/vmvol1/x"] }', 'is given to "sql01" and to "mail01"'),
    ],
)
def test_a_lun_that_no_vm_of_the_job_can_have_is_refused(folder: Path, written: str, fault: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(folder, with_key("jobs.vol1", f"luns = {written}"))
    assert fault in refused.value.message


def test_settings_cannot_be_changed(folder: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read(folder).vcenter.parallel = 9


def test_datastores_are_given_by_id_or_by_name(folder: Path) -> None:
    assert read(folder, PLAIN.replace("[688]", '[688, "VM [vol] 1"]')).jobs["vol1"].datastores == (688, "VM [vol] 1")


def test_an_rsh_filer_needs_no_user_and_has_its_own_port(folder: Path) -> None:
    rsh = f'{PLAIN}\n[filers.old]\nhost = "filer2"\ntransport = "rsh"\nlocal_user = "root"\nreserved_port = false\n'
    filer = read(folder, rsh).filers["old"]
    assert (filer.transport, filer.port, filer.user) == ("rsh", 514, None)
    assert (filer.local_user, filer.reserved_port) == ("root", False)


def test_paths_are_relative_to_the_file_and_a_tilde_is_home(folder: Path) -> None:
    config = read(folder, 'state = "../state"\nlog = "~/snapall.log"\n' + PLAIN)
    assert config.state == folder / "../state"
    assert config.log == Path.home() / "snapall.log"


def test_passwords_come_from_the_configuration_the_environment_or_a_separate_file(folder: Path) -> None:
    (folder / "vc.secret").write_bytes(b"\xef\xbb\xbfs\xc3\xa9cret \r\n")
    for written, meant in (
        ('{ file = "vc.secret" }', "sécret "),
        ('"plain"', "plain"),
        ('{ env = "VCPWORD" }', "vcpw"),
    ):
        password = read(folder, with_key("database", f"password = {written}")).database.password
        assert password is not None
        assert password.reveal() == meant


def test_a_password_never_appears_in_its_repr(folder: Path) -> None:
    config = read(folder, with_key("database", 'password = "hunter2"'))
    password = config.database.password
    for shown in (config, password, config.model_dump(), config.model_dump_json(), plain(password)):
        assert "hunter2" not in f"{shown} {shown!r}"
        assert "vcpw" not in f"{shown} {shown!r}"
    assert not is_dataclass(password)  # nobody walks its fields


def test_no_traceback_shows_a_password(folder: Path) -> None:
    config = read(folder, with_key("database", 'password = "hunter2"'))
    password = config.database.password
    try:
        raise ValueError(password)
    except ValueError as error:
        shown = "".join(TracebackException.from_exception(error, capture_locals=True).format())
    assert "Secret(***)" in shown
    assert "hunter2" not in shown
    with pytest.raises(ValidationError) as caught:
        Database(url=3, password=password)  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ('""', "the password is empty"),
        ('"a\\tb"', "the password holds a line break or another control character"),
        ("3", 'must be text in quotes, { env = "VARIABLE" } or { file = "PATH" }'),
        ('{ env = "VCPWORD", file = "x" }', 'must be text in quotes, { env = "VARIABLE" } or { file = "PATH" }'),
        ('{ env = "NOPE" }', 'the environment variable "NOPE" is not set'),
        ('{ env = "EMPTY" }', 'the environment variable "EMPTY" is empty'),
        ('{ env = "TWO" }', 'the environment variable "TWO" holds a line break or another control character'),
        ('{ file = "" }', "must be a path in quotes"),
        pytest.param(
            '{ file = "~no-such-user-/x" }',
            'the home directory in "~no-such-user-/x" is unknown; write the full path',
            marks=posix("Windows takes any name for a user's, and gives a folder"),
        ),
    ],
)
def test_an_unusable_password_is_reported(folder: Path, password: str, fault: str) -> None:
    assert faults(folder, with_key("database", f"password = {password}")) == [f"database.password: {fault}"]


def test_a_secret_file_that_cannot_be_used(folder: Path) -> None:
    (folder / "empty").write_text("\n")
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    for name, why in (("none", "cannot be read: "), ("empty", "is empty"), ("binary", "is not a text file")):
        [fault] = faults(folder, with_key("database", f'password = {{ file = "{name}" }}'))
        assert fault.startswith(f'database.password: "{folder / name}" {why}')


def test_a_missing_key_file_is_reported(folder: Path) -> None:
    (folder / "id_rsa").unlink()
    [fault] = faults(folder, PLAIN)
    assert fault.startswith(f'filers.filer1.key_file: "{folder / "id_rsa"}" cannot be read: ')


def by_rsh(keys: str) -> str:
    return PLAIN.replace(
        'user = "snapall"\nkey_file = "id_rsa"\nknown_hosts = "known_hosts"', f'transport = "rsh"\n{keys}'
    )


@pytest.mark.parametrize("keys", ['user = "root"\npassword = "F1l:rPw"', 'user = "root:F1l:rPw"'])
def test_the_password_of_rsh_is_a_secret_wherever_it_was_written(folder: Path, keys: str) -> None:
    config = read(folder, by_rsh(keys))
    filer = config.filers["filer1"]
    assert filer.user == "root"
    assert filer.password is not None
    assert filer.password.reveal() == "F1l:rPw"
    assert folder / "snapall.toml" in config.secret_files
    assert "F1l:rPw" not in f"{config!r} {config.model_dump_json()} {plain(config.model_dump())}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (by_rsh('password = "F1lerPw"'), "filers.filer1.user: is missing, though there is a password"),
        (by_rsh('user = "root:F1lerPw"\npassword = "other"'), "filers.filer1.user: holds a colon"),
        (by_rsh('user = "root:"'), "filers.filer1.password: the password is empty"),
        (by_rsh('user = "root:F1lerPwä"'), "filers.filer1.password: holds a character outside ASCII"),
        (PLAIN.replace('"snapall"', '"root:F1lerPw"'), "filers.filer1.user: holds a colon"),
    ],
)
def test_a_filers_login_that_cannot_be_used_is_reported_without_its_password(
    folder: Path, text: str, fault: str
) -> None:
    (found,) = faults(folder, text)
    assert found.startswith(fault)
    assert "F1lerPw" not in found


def test_a_password_among_vcbsnapshots_leading_arguments_makes_the_file_a_secret(folder: Path) -> None:
    text = with_key("vcenter", 'vcbsnapshot = ["psexec", "-p", "F1lerPw", "vcbsnapshot"]')
    assert folder / "snapall.toml" in read(folder, text).secret_files
    assert folder / "snapall.toml" not in read(folder).secret_files


def test_no_fault_shows_a_secret_in_the_wrong_place(folder: Path) -> None:
    wrong = with_key("database", 'password = { text = "hunter2" }').replace("[688]", '"hunter2"')
    output = "\n".join(faults(folder, wrong.replace('"filer1.example.edu"', '"hunter2 "').replace('"id_rsa"', "0")))
    assert output.count("\n") == 3
    assert "hunter2" not in output


TEN_FAULTS = """
log_time = 3
[vcenter]
hots = "vc01"
user = "vcbackup"
[database]
url = "mssql+pyodbc://vc_user@VirtualCenter"
password = { env = "NOPE" }
[filers.filer1]
host = "filer1"
user = "snapall"
known_hosts = "known_hosts"
password = { file = "none" }
port = 70000
[jobs.vol1]
filer = "filer2"
volumes = ["x; snap delete\\n"]
datastores = [688]
retain = 0
"""


def test_all_faults_of_a_file_are_reported_at_once(folder: Path) -> None:
    begins = [
        "log_time: must be text in quotes",
        "vcenter.host: is missing",
        "vcenter.hots: is not a known key; did you mean host?",
        'database.password: the environment variable "NOPE" is not set',
        "filers.filer1.port: must be 65535 or less",
        f'filers.filer1.password: "{folder / "none"}" cannot be read: ',
        'jobs.vol1.volumes[0]: "x; snap delete\\n" cannot be used: ',
        "jobs.vol1.retain: must be 1 or more",
        "vcenter.password: is missing, though there is a user",
        'jobs.vol1.filer: there is no table [filers.filer2]; defined are "filer1"',
    ]
    output = faults(folder, TEN_FAULTS)
    assert len(output) == len(begins)
    for begin in begins:
        assert any(fault.startswith(begin) for fault in output), begin


def test_a_faulty_value_hides_no_rule_between_keys(folder: Path) -> None:
    broken = without_key("vcenter", "user").replace("VCPWORD", "NOPE").replace('["vmvol1"]', '["vmvol1"]\nretain = 0')
    broken = broken.replace('"id_rsa"', '"none"').replace("[filers.filer1]", '[filers.filer1]\npassword = ""')
    broken = broken.replace("[jobs.vol1]", '[jobs."a b"]\nchain = ["nightly.1"]')
    begins = [
        'vcenter.password: the environment variable "NOPE" is not set',
        "vcenter.user: is missing, though there is a password",
        f'filers.filer1.key_file: "{folder / "none"}" cannot be read',
        "filers.filer1.password: the password is empty",
        "filers.filer1.password: is given together with key_file",
        'jobs."a b".retain: must be 1 or more',
        'jobs."a b": "a b" cannot be used',
        'jobs."a b".retain: is given together with chain',
        'jobs."a b".chain: "nightly.1" is reserved for',
    ]
    output = faults(folder, broken)
    assert [one for one, begin in zip(output, begins, strict=True) if not one.startswith(begin)] == []


def test_an_empty_file_misses_its_four_tables(folder: Path) -> None:
    assert faults(folder, "") == [
        "vcenter: is missing: write a table [vcenter]",
        "database: is missing: write a table [database]",
        "filers: is missing: write at least one table [filers.NAME]",
        "jobs: is missing: write at least one table [jobs.NAME]",
    ]


def test_tables_that_are_no_tables(folder: Path) -> None:
    output = faults(folder, 'vcenter = 1\ndatabase = "x"\njobs = {}\nfilers = { f = 1 }\n')
    assert output[:4] == [
        "vcenter: must be a table",
        "database: must be a table",
        "filers.f: must be a table",
        "jobs: must hold at least one entry",
    ]


@pytest.mark.parametrize(
    ("table", "line", "fault"),
    [
        ("vcenter", "parallel = 0", "vcenter.parallel: must be 1 or more"),
        ("vcenter", "parallel = true", "vcenter.parallel: must be a whole number"),
        ("vcenter", "timeout = 0", "vcenter.timeout: must be more than 0"),
        ("vcenter", "timeout = nan", "vcenter.timeout: must be a number"),
        ("vcenter", "settle = 604801", "vcenter.settle: must be 604800 or less"),
        ("vcenter", 'vcbsnapshot = "vcbsnapshot"', "vcenter.vcbsnapshot: must be a list in brackets"),
        ("vcenter", "vcbsnapshot = []", "vcenter.vcbsnapshot: must hold at least one entry"),
        ("vcenter", 'vcbsnapshot = [""]', "vcenter.vcbsnapshot[0]: must not be empty"),
        ("vcenter", 'vcbsnapshot = ["a\\u0000b"]', "vcenter.vcbsnapshot[0]: must not hold line breaks"),
        ("vcenter", "zzz = 1", "vcenter.zzz: is not a known key; known are host, user"),
        ("filers.filer1", 'transport = "telnet"', 'filers.filer1.transport: must be "ssh" or "rsh"'),
        ("filers.filer1", 'password = "x"', "filers.filer1.password: is given together with key_file"),
        ("filers.filer1", "reserved_port = true", "filers.filer1.reserved_port: is for rsh only"),
        ("filers.filer1", 'local_user = "x"', "filers.filer1.local_user: is for rsh only"),
        ("jobs.vol1", "retain = 251", "jobs.vol1.retain: must be 250 or less"),
        ("jobs.vol1", 'retain = 2\nchain = ["a"]', "jobs.vol1.retain: is given together with chain"),
        ("jobs.vol1", 'chain = ["a", "b", "A"]', 'jobs.vol1.chain: lists the same name twice ("a", "A")'),
        ("jobs.vol1", "chain = []", "jobs.vol1.chain: must hold at least one entry"),
        ("jobs.vol1", 'prefix = "-x"', 'jobs.vol1.prefix: "-x" cannot be used'),
        ("jobs.vol1", f'prefix = "{"x" * 201}"', f'jobs.vol1.prefix: "{"x" * 120}..." cannot be used'),
        ("jobs.vol1", 'prefix = "SnapMirror"', 'jobs.vol1.prefix: "SnapMirror" is reserved for'),
        ("jobs.vol1", 'prefix = "sv_x"', 'jobs.vol1.prefix: "sv_x" is reserved for'),
        ("jobs.vol1", 'chain = ["mine", "hourly.0"]', 'jobs.vol1.chain: "hourly.0" is reserved for'),
        ("jobs.vol1", 'chain = ["nightly.1"]', 'jobs.vol1.chain: "nightly.1" is reserved for'),
        ("jobs.vol1", 'vm_snapshot = "a b"', 'jobs.vol1.vm_snapshot: "a b" cannot be used'),
        ("jobs.vol1", 'vm_snapshot = "smvi_x"', 'jobs.vol1.vm_snapshot: "smvi_x" is a name that'),
        ("jobs.vol1", 'order = "both"', 'jobs.vol1.order: must be "safe" or "paper"'),
        ("jobs.vol1", 'order = "paper"\npublish = "whole"', 'jobs.vol1.publish: must be "any" with order = "paper"'),
        ("jobs.vol1", 'vms = { a = "maybe" }', 'jobs.vol1.vms.a: must be "must", "try" or "skip"'),
        ("jobs.vol1", 'vms = { "" = "must" }', 'jobs.vol1.vms."": must not be empty'),
    ],
)
def test_a_key_that_is_wrong(folder: Path, table: str, line: str, fault: str) -> None:
    [output] = faults(folder, with_key(table, line))
    assert output.startswith(fault)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("[688]", "[]", "jobs.vol1.datastores: must hold at least one entry"),
        ("[688]", "[true]", "jobs.vol1.datastores[0]: must be a datastore's id"),
        ("[688]", '[688, ""]', "jobs.vol1.datastores[1]: must be a datastore's id"),
        ("[688]", "[688, 688]", 'jobs.vol1.datastores: lists "688" more than once'),
        ('["vmvol1"]', '["a", "a"]', 'jobs.vol1.volumes: lists "a" more than once'),
        ('["vmvol1"]', '[["a"]]', "jobs.vol1.volumes[0]: must be text in quotes"),
        ('"vc01.example.edu"', '"-h"', "vcenter.host: must be one word"),
        ('"filer1.example.edu"', '"a\\u001bb"', "filers.filer1.host: must not hold line breaks"),
        ('"mssql+pyodbc://vc_user@VirtualCenter"', '"VirtualCenter"', "database.url: must be a SQLAlchemy URL"),
        (
            '"mssql+pyodbc://vc_user@VirtualCenter"',
            '"postgres://vc@vc01/VCDB"',
            "database.url: SQLAlchemy has no postgres://; begin it with postgresql+psycopg://",
        ),
        (
            '"mssql+pyodbc://vc_user@VirtualCenter"',
            '"postgresql+pyodbc://vc@DSN"',
            "database.url: SQLAlchemy has no postgresql+pyodbc://; begin it with postgresql+psycopg://",
        ),
        ("[database]", "[database]\ntimeout = 0", "database.timeout: must be more than 0"),
        ("[jobs.vol1]", '[jobs."a b"]', 'jobs."a b": "a b" cannot be used'),
        ('filer = "filer1"', 'filer = "fi ler"', 'jobs.vol1.filer: there is no table [filers."fi ler"]'),
        ("[vcenter]", 'log_time = "a\\nb"\n[vcenter]', "log_time: must be a format of date and time"),
        ("[vcenter]", "keep_journals = 0\n[vcenter]", "keep_journals: must be 1 or more"),
        ("[vcenter]", "readers = 4\n[vcenter]", "readers: must be the name of a group in quotes"),
        (
            "[vcenter]",
            'readers = "no such"\n[vcenter]',
            "readers: means a group of a POSIX system"
            if sys.platform == "win32"
            else 'readers: "no such" is not a group of this machine',
        ),
        ("[vcenter]", '"[key]" = 1\n[vcenter]', '"[key]": is not a known key'),
        ("[vcenter]", '[vcenter]\n"[key]" = 1', 'vcenter."[key]": is not a known key'),
        ("[vcenter]", '[filers.filer1."[key]"]\n[vcenter]', 'filers.filer1."[key]": is not a known key'),
        ("[688]", '[688]\nvms = { "[key]" = 1 }', 'jobs.vol1.vms."[key]": must be "must"'),
        ("[688]", '["a\\nb"]', "jobs.vol1.datastores[0]: must be a datastore's id"),
        ("[vcenter]", '[vcenter]\nname = "x"', "vcenter.name: is not a known key"),
        ("[688]", '[688]\nname = "x"', "jobs.vol1.name: is not a known key"),
        ("[vcenter]", 'path = "x"\n[vcenter]', "path: is not a known key"),
        ("[vcenter]", "[job_tables]\n[vcenter]", "job_tables: is not a known key"),
        (
            "[688]",
            '[688]\nhooks = { befor = ["x"] }',
            "jobs.vol1.hooks.befor: is not a known key; did you mean before?",
        ),
        ("[vcenter]", "[jobb]\n[vcenter]", "jobb: is not a known key; did you mean jobs?"),
    ],
)
def test_a_value_that_is_wrong(folder: Path, old: str, new: str, fault: str) -> None:
    [output] = faults(folder, PLAIN.replace(old, new))
    assert output.startswith(fault)


@pytest.mark.parametrize(
    ("table", "key", "fault"),
    [
        ("vcenter", "user", "vcenter.user: is missing, though there is a password"),
        ("vcenter", "password", "vcenter.password: is missing, though there is a user"),
        ("vcenter", "host", "vcenter.host: is missing"),
        ("filers.filer1", "key_file", "filers.filer1.key_file: is missing: ssh needs a key_file or a password"),
        ("filers.filer1", "known_hosts", "filers.filer1.known_hosts: is missing: name the file"),
        ("filers.filer1", "user", "filers.filer1.user: is missing: ssh needs"),
        ("jobs.vol1", "filer", "jobs.vol1.filer: is missing"),
    ],
)
def test_a_key_that_is_missing(folder: Path, table: str, key: str, fault: str) -> None:
    [output] = faults(folder, without_key(table, key))
    assert output.startswith(fault)


def test_ssh_keys_at_an_rsh_filer_are_faults(folder: Path) -> None:
    text = with_key("filers.filer1", 'transport = "rsh"\nssh_algorithms = "modern"')
    keys = ("key_file", "known_hosts", "ssh_algorithms")
    assert [fault.split(":")[0] for fault in faults(folder, text)] == [f"filers.filer1.{key}" for key in keys]


def test_ssh_algorithms_are_a_choice_or_a_list_that_has_one_of_each_kind(folder: Path) -> None:
    def chosen(value: str) -> object:
        return read(folder, with_key("filers.filer1", f"ssh_algorithms = {value}")).filers["filer1"].ssh_algorithms

    assert read(folder, PLAIN).filers["filer1"].ssh_algorithms == "any"
    assert chosen('"modern"') == "modern"
    names = ("diffie-hellman-group1-sha1", "ssh-rsa", "3des-cbc", "hmac-sha1")
    assert chosen(json.dumps(names)) == names
    for value, why in (
        ('"old"', 'must be "any", "modern" or a list of algorithms'),
        ("[]", 'must be "any", "modern" or a list of algorithms'),
        (json.dumps([*names, "rot13"]), "does not know rot13; known are ecdh-sha2-nistp256, "),
        (json.dumps(names[1:]), "names no key exchange: add one of ecdh-sha2-nistp256, "),
        (json.dumps(names[:-1]), "names no mac: add one of hmac-sha2-256, "),
    ):
        [output] = faults(folder, with_key("filers.filer1", f"ssh_algorithms = {value}"))
        assert output.startswith(f"filers.filer1.ssh_algorithms: {why}")


@pytest.mark.parametrize("program", ["ssh", "/usr/bin/ssh", "C:\\\\PuTTY\\\\PLINK.EXE"])
def test_no_password_goes_through_a_remote_shell(folder: Path, program: str) -> None:
    far = with_key("vcenter", f'vcbsnapshot = ["{program}", "proxy", "vcbsnapshot"]')
    [output] = faults(folder, far)
    assert output.startswith("vcenter.password: would appear on the remote command line of ")
    bare = far.replace('user = "vcbackup"\npassword = { env = "VCPWORD" }\n', "")
    assert read(folder, bare).vcenter.vcbsnapshot[1:] == ("proxy", "vcbsnapshot")
    [output] = faults(folder, bare.replace("vc01.example.edu", "vc01;reboot"))
    assert output.startswith("vcenter.host: passes through another shell behind ")


def test_two_jobs_must_not_share_a_chain_on_one_volume(folder: Path) -> None:
    [output] = faults(folder, second_job('volumes = ["vmvol2", "vmvol1"]'))
    assert output == (
        'jobs.other.prefix: job "vol1" uses the same names on "vmvol1": "vmware_recent", "vmware_previous", '
        '"vmware_snap3", "vmware_snap4", "vmware_new_*"; give one of the two jobs another prefix or chain'
    )
    [output] = faults(folder, second_job('volumes = ["vmvol1"]\nchain = ["x", "VMware_Snap3"]\nprefix = "x"'))
    assert output.startswith('jobs.other.chain: job "vol1" uses the same names on "vmvol1": "VMware_Snap3"; ')
    assert set(read(folder, second_job('volumes = ["vmvol2"]')).jobs) == {"vol1", "other"}
    assert set(read(folder, second_job('volumes = ["vmvol1"]\nprefix = "noon"')).jobs) == {"vol1", "other"}


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ('chain = ["x", "y"]', '"vmware_new_*"'),
        ('chain = ["x", "y"]\nprefix = "VMware"', '"vmware_new_*"'),
        ('prefix = "vmware_new_x"', '"vmware_new_*"'),
        ('chain = ["x", "vmware_new_year"]\nprefix = "x"', '"vmware_new_*"'),
    ],
)
def test_two_jobs_must_not_share_temporary_names_on_one_volume(folder: Path, lines: str, names: str) -> None:
    [output] = faults(folder, second_job(f'volumes = ["vmvol1"]\n{lines}'))
    assert output.startswith(f'jobs.other.prefix: job "vol1" uses the same names on "vmvol1": {names}; ')
    assert len(read(folder, second_job(f'volumes = ["vmvol2"]\n{lines}')).jobs) == 2


def test_different_chains_and_different_prefixes_share_a_volume(folder: Path) -> None:
    noon = second_job('volumes = ["vmvol1"]\nchain = ["noon_recent", "vmware_newest"]\nprefix = "noon"')
    assert len(read(folder, noon).jobs) == 2


def test_every_volume_in_common_is_named_and_long_chains_are_cut_short(folder: Path) -> None:
    both = PLAIN.replace('volumes = ["vmvol1"]', 'volumes = ["a", "b", "c"]\nretain = 9') + second_job(
        'volumes = ["B", "a", "d"]\nretain = 8'
    ).removeprefix(PLAIN)
    [output] = faults(folder, both)
    assert output.startswith('jobs.other.prefix: job "vol1" uses the same names on "B", "a": "vmware_recent", ')
    assert '"vmware_snap6" and 3 more; ' in output


def test_a_conflict_of_two_jobs_is_reported_beside_other_faults(folder: Path) -> None:
    output = faults(folder, second_job('volumes = ["vmvol1"]\nbusy_wait = -1'))
    assert len(output) == 2
    assert output[0].startswith("jobs.other.busy_wait: ")
    assert output[1].startswith('jobs.other.prefix: job "vol1" uses the same names on "vmvol1": ')


def test_the_order_changes_nothing_about_names_in_common(folder: Path) -> None:
    for order in ("safe", "paper"):
        [output] = faults(folder, second_job(f'volumes = ["vmvol1"]\nchain = ["x"]\norder = "{order}"'))
        assert output.startswith('jobs.other.prefix: job "vol1" uses the same names')


def test_two_tables_for_one_filer_are_one_filer(folder: Path) -> None:
    twin = '[filers.twin]\nhost = "FILER1.example.edu"\ntransport = "rsh"\n'
    job = '[jobs.other]\nfiler = "twin"\ndatastores = [1]\nvolumes = ["vmvol1"]\n'
    [output] = faults(folder, PLAIN + twin + job)
    assert output.startswith('jobs.other.prefix: job "vol1" uses the same names on "vmvol1": "vmware_recent", ')
    assert len(read(folder, PLAIN + twin.replace("FILER1", "filer2") + job).jobs) == 2


def test_names_that_differ_in_case_only_are_one_name(folder: Path) -> None:
    [output] = faults(folder, second_job('volumes = ["vmvol2"]').replace("jobs.other", "jobs.VOL1"))
    assert output.startswith('jobs.VOL1: differs from "vol1" in case only')


def test_toml_that_cannot_be_read_is_reported_with_its_line(folder: Path) -> None:
    [output] = faults(folder, "a = 1\nb = = 2\n")
    assert output.startswith("is not valid TOML: ")
    assert "line 2" in output
    assert faults(folder, "a = " + "[" * 100_000) == ["is nested too deeply to be read"]


def test_paper_order_publishes_any(folder: Path) -> None:
    job = read(folder, with_key("jobs.vol1", 'order = "paper"')).jobs["vol1"]
    assert (job.order, job.publish) == (Order.PAPER, Grade.CRASH_CONSISTENT)
    assert with_order(job, Order.SAFE).publish is Grade.PARTIAL
    assert read(folder, with_key("jobs.vol1", 'order = "paper"\npublish = "any"')).jobs["vol1"].publish == job.publish


def test_the_order_option_overrides_the_configuration(folder: Path) -> None:
    paper = with_order(read(folder).jobs["vol1"], Order.PAPER)
    assert (paper.order, paper.publish) == (Order.PAPER, Grade.CRASH_CONSISTENT)
    whole = read(folder, with_key("jobs.vol1", 'publish = "whole"')).jobs["vol1"]
    assert with_order(whole, Order.SAFE) == whole
    for grade in ("whole", "partial"):
        job = read(folder, with_key("jobs.vol1", f'publish = "{grade}"')).jobs["vol1"]
        with pytest.raises(ConfigError, match=r"jobs\.vol1\.publish: only \"any\""):
            with_order(job, Order.PAPER)
    anything = read(folder, with_key("jobs.vol1", 'publish = "any"')).jobs["vol1"]
    assert with_order(anything, Order.PAPER).publish is Grade.CRASH_CONSISTENT
    assert with_order(anything, Order.SAFE).publish is Grade.CRASH_CONSISTENT


def test_jobs_are_selected_by_name(folder: Path) -> None:
    config = read(folder, second_job('volumes = ["vmvol2"]'))
    assert [job.name for job in jobs_named(config, ())] == ["vol1", "other"]
    assert [job.name for job in jobs_named(config, ("other", "vol1", "other"))] == ["other", "vol1"]
    with pytest.raises(ConfigError, match="no such job: 'vol2', 'x'") as caught:
        jobs_named(config, ("vol2", "vol1", "x"))
    assert caught.value.hint == "the file has vol1, other"


def test_a_kept_backup_may_not_use_a_rotating_name(folder: Path) -> None:
    config = read(folder)
    jobs = jobs_named(config, ())
    check_keep("before-maintenance", config, jobs)
    for name in ("VMware_Recent", "vmware_new_20070322T030000Z"):
        with pytest.raises(ConfigError, match="is a name that job vol1 rotates"):
            check_keep(name, config, jobs)
    with pytest.raises(ConfigError, match="cannot be a snapshot's name"):
        check_keep("x; snap delete", config, jobs)


def test_a_kept_backup_is_not_made_twice_on_one_volume(folder: Path) -> None:
    config = read(folder, second_job('volumes = ["w", "vmvol1"]\nprefix = "noon"'))
    for job in config.jobs.values():
        check_keep("before-maintenance", config, (job,))
    with pytest.raises(ConfigError, match="jobs vol1 and other would both make before-maintenance on volume vmvol1"):
        check_keep("before-maintenance", config, tuple(config.jobs.values()))
    apart = read(folder, second_job('volumes = ["w"]\nprefix = "noon"'))
    check_keep("before-maintenance", apart, tuple(apart.jobs.values()))
    with pytest.raises(ConfigError, match="is a name that job other rotates"):
        check_keep("Noon_new_1", config, (config.jobs["vol1"],))


def test_the_file_is_named_by_the_option_then_the_environment_then_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one.toml", "two.toml", "snapall.toml"):
        (tmp_path / name).touch()
    assert find(Path("one.toml"), {"SNAPALL_CONFIG": "two.toml"}) == tmp_path / "one.toml"
    assert find(None, {"SNAPALL_CONFIG": "two.toml"}) == tmp_path / "two.toml"
    assert find(None, {"SNAPALL_CONFIG": ""}) == tmp_path / "snapall.toml"
    (tmp_path / "snapall.toml").unlink()
    with pytest.raises(ConfigError, match="there is no such file") as caught:
        find(None, {})
    assert "--config" in caught.value.hint


def test_a_file_is_loaded_from_disk(folder: Path) -> None:
    path = folder / "site.TOML"
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert load(path, ENVIRON).path == path


def test_files_that_cannot_be_loaded(folder: Path) -> None:
    (folder / "latin.toml").write_bytes(b'a = "\xe9"')
    (folder / "folder.toml").mkdir()
    for name, why in (
        ("snapall.ini", r"only \.toml, \.bat and \.cmd files can be read"),
        ("snapall.bat", "cannot be read"),
        ("none.toml", "cannot be read"),
        ("folder.toml", "cannot be read"),
        ("latin.toml", "is not UTF-8 text"),
    ):
        with pytest.raises(ConfigError, match=why):
            load(folder / name, ENVIRON)


WORDS = """
state log vcenter database filers jobs host user password env file vcbsnapshot timeout url owner f filer1 transport
port key_file known_hosts vol1 filer volumes datastores prefix retain chain order publish vms max_quiesced x y.z
"""
KEYS = st.sampled_from(WORDS.split()) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TEXTS = st.sampled_from(
    ["ssh", "rsh", "paper", "any", "filer1", "hourly.0", "~", "sqlite://", "", "\x00", "-x", "{}"]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAVES = TEXTS | st.integers() | st.floats() | st.booleans()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=30
)


def in_toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            return "{" + ", ".join(f"{in_toml(key)} = {in_toml(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(in_toml, value)) + "]"
        case _:
            return repr(value)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_tables_give_either_a_configuration_or_a_plain_fault(tables: dict[str, object]) -> None:
    text = "".join(f"{in_toml(key)} = {in_toml(value)}\n" for key, value in tables.items())
    with pytest.raises(ConfigError) as caught:
        parse(text, Path("/nowhere/snapall.toml"), {})
    assert "not valid TOML" not in caught.value.message
    for foreign in ("Input should", "pydantic", "https://", "Value error"):
        assert foreign not in caught.value.message


@settings(max_examples=100, deadline=None)
@given(key=st.sampled_from(PLAIN.split()).filter(lambda word: word.isidentifier()), value=VALUES)
def test_any_value_is_used_or_reported_as_a_fault(key: str, value: object) -> None:
    lines = [f"{key} = {in_toml(value)}" if line.startswith(f"{key} =") else line for line in PLAIN.split("\n")]
    with pytest.raises(ConfigError) as caught:
        parse("\n".join(lines), Path("/nowhere/snapall.toml"), ENVIRON)
    assert "not valid TOML" not in caught.value.message


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_gives_nothing_worse_than_a_fault(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text, Path("/nowhere/snapall.toml"), {})


@pytest.mark.parametrize("key", ['"[name]"', '"[given]"'])
def test_no_key_is_reserved_for_the_reader_itself(folder: Path, key: str) -> None:
    assert "is not a known key" in " ".join(faults(folder, f'{key} = "x"\n{PLAIN}'))


RESTORE = '[filers.filer1.restore]\nuser = "restorer"\n'


def test_restores_have_a_login_of_their_own_or_the_filers(folder: Path) -> None:
    (folder / "id_restore").write_text("a key\n")
    own = read(folder, f'{PLAIN}{RESTORE}key_file = "id_restore"\n')
    nightly, restore = own.filers["filer1"], own.filers["filer1"].for_restore
    assert (nightly.user, restore.user, restore.key_file) == ("snapall", "restorer", folder / "id_restore")
    assert (restore.host, restore.port, restore.known_hosts) == (nightly.host, nightly.port, nightly.known_hosts)
    assert {folder / "id_rsa", folder / "id_restore"} <= set(own.secret_files)
    plain_filer = read(folder).filers["filer1"]
    assert plain_filer.for_restore == plain_filer


def test_the_password_of_a_restore_login_is_kept_secret_like_any_other(folder: Path) -> None:
    config = read(folder, f'{PLAIN}{RESTORE}password = "hunter2"\n')
    restore = config.filers["filer1"].for_restore
    assert restore.password is not None
    assert (restore.password.reveal(), restore.key_file) == ("hunter2", None)
    assert restore.password in config.passwords
    assert config.path in config.secret_files
    assert "hunter2" not in f"{config} {config.model_dump_json()}"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("", "filers.filer1.restore: must have either a key_file or a password for ssh"),
        ('key_file = "id_rsa"\npassword = "x"', "filers.filer1.restore: must have either a key_file or a password"),
        ('key_file = "id_rsa"\nhost = "x"', "filers.filer1.restore.host: is not a known key; known are user"),
        ('password = ""', "the password is empty"),
    ],
)
def test_a_restore_login_is_complete_and_nothing_more(folder: Path, lines: str, fault: str) -> None:
    assert any(fault in line for line in faults(folder, f"{PLAIN}{RESTORE}{lines}\n"))


def test_a_restore_login_by_rsh_needs_no_key_and_takes_none(folder: Path) -> None:
    rsh = PLAIN.replace('key_file = "id_rsa"\nknown_hosts = "known_hosts"\n', 'transport = "rsh"\n')
    assert read(folder, rsh + RESTORE).filers["filer1"].for_restore.user == "restorer"
    assert any("for ssh only" in line for line in faults(folder, f'{rsh}{RESTORE}key_file = "id_rsa"\n'))
    assert any("outside ASCII" in line for line in faults(folder, f'{rsh}{RESTORE}password = "sécret"\n'))
    colon = RESTORE.replace("restorer", "restorer:hunter2")
    (fault,) = faults(folder, rsh + colon)
    assert "holds a colon" in fault
    assert "hunter2" not in fault

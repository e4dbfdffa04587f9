"""Every reader of outside text: what it is given, which errors are its contract, and what must hold of its results."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from snapall.backup.certificate import verdicts_of
from snapall.backup.clock import SystemClock
from snapall.backup.codec import from_line
from snapall.backup.facts import Answered, Failed, Intent, Warned
from snapall.backup.journal import Journal, is_open
from snapall.backup.model import FILER_NAME
from snapall.backup.origins import origins
from snapall.backup.report import stands
from snapall.backup.state import fold
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename, Unknown
from snapall.config.batch import batch_of
from snapall.config.load import check_keep, jobs_named, parse
from snapall.config.secret import Secret
from snapall.config.settings import Config, Database, Filer, Vcenter
from snapall.config.tomlfile import tables_of
from snapall.errors import ConfigError, JournalError, Refused, SiteError
from snapall.site.filer import FilerSystem
from snapall.site.process import Completed
from snapall.site.rsh import Rsh
from snapall.site.sshkeys import KnownHosts
from snapall.site.vcb import Vcb
from snapall.site.version import require_7mode
from snapall.site.virtualcenter import VirtualCenter
from snapall.site.volumes import Volumes
from snapall.views import messages
from tests.config.test_config import ENVIRON, PLAIN
from tests.hostile import connections, journals, rehearsals, rows, terminal
from tests.hostile.inputs import NAMES, blobs, texts
from tests.hostile.reader import (
    FILER,
    FIXTURES,
    PASSWORD,
    VCENTER,
    VM,
    Canned,
    Reader,
    assert_printable,
    assert_rendered_safely,
    samples,
)
from tests.site.test_virtualcenter import Db


def listing(output: str, _folder: Path) -> None:
    volume = re.search(r"^Volume ([A-Za-z0-9]+)", output, re.MULTILINE)
    system = FilerSystem(Canned(output), "filer1")
    for row in system.listing(volume[1] if volume is not None else "vmvol1"):
        assert_rendered_safely(Warned(f"{row.name} of {row.date}: {', '.join(row.tags)}"))
        moving = Canned("")
        with suppress(Refused):
            FilerSystem(moving, "filer1").perform(Rename("vmvol1", row.name, "vmware_previous"))
        assert bool(moving.sent) is (FILER_NAME.fullmatch(row.name) is not None)


def answers(output: tuple[str, str], _folder: Path) -> None:
    steps: list[Capture | Rename | Delete] = [Capture("v", "a"), Rename("v", "a", "b"), Delete("v", "a")]
    for step in steps:
        outcome = FilerSystem(Canned(*output), "filer1").perform(step)
        assert_rendered_safely(Intent(1, step), Answered(1, outcome, 1.0))


def version(output: str, _folder: Path) -> None:
    system = FilerSystem(Canned(output), "filer1")
    require_7mode(system.version(), "filer1")
    with suppress(SiteError):
        Volumes(Canned(output), "filer1").require_writable("vmvol1")


def rsh(output: tuple[bytes, bytes], _folder: Path) -> None:
    Rsh(FILER)._reply(*output)


def known_hosts(data: bytes, folder: Path) -> None:
    path = folder / "known_hosts"
    path.write_bytes(data)
    KnownHosts(
        Filer(
            name="filer1",
            host="filer1",
            port=22,
            user="u",
            password=Secret("x"),
            known_hosts=path,
            timeout=5,
            reserved_port=False,
        )
    ).read()


def vcbsnapshot(output: tuple[bytes, bytes, int | None], _folder: Path) -> None:
    vcb = Vcb(VCENTER)
    stdout, stderr = (one.decode("utf-8", "replace") for one in output[:2])
    steps: list[Quiesce | Release] = [Quiesce(VM, "Quiesce-x"), Release(VM, "snapshot-1")]
    for step in steps:
        outcome = vcb._judge(step, Completed(("vcbsnapshot",), output[2], stdout, stderr, 1.0), 60)
        assert_rendered_safely(Intent(1, step), Answered(1, outcome, 1.0))
        assert PASSWORD not in outcome.output
        assert not isinstance(outcome, Unknown) or PASSWORD not in outcome.why


def journal(data: bytes, folder: Path) -> None:
    path = folder / "vol1-20070322T030000Z.jsonl"
    path.write_bytes(data)
    is_open(path)
    state = fold(Journal.open(path, SystemClock()).records)
    if state.began is not None:
        origins(state), verdicts_of(state), state.open, state.parts, state.room, state.unsettled
        assert_rendered_safely(*stands(state))


def journal_line(line: str, _folder: Path) -> None:
    from_line(line)


def toml(text: str, folder: Path) -> Config:
    (folder / "id_rsa").write_text("a key\n")
    return parse(text, folder / "snapall.toml", ENVIRON)


def secret(data: bytes, folder: Path) -> None:
    (folder / "vc.secret").write_bytes(data)
    toml(PLAIN.replace('{ env = "VCPWORD" }', '{ file = "vc.secret" }'), folder)


def batch(data: bytes, _folder: Path) -> None:
    made = batch_of(data, {})
    assert bool(made.table) is not bool(made.faults)
    for line in made.fault_lines():
        assert_printable(line)


def overlay(text: str, folder: Path) -> None:
    made = batch_of((FIXTURES / "bat" / "filled.bat").read_bytes(), tables_of(text, folder / "snapall.bat.toml"))
    for line in made.fault_lines():
        assert_printable(line)


def arguments(names: tuple[str, str], folder: Path) -> None:
    settings = toml(PLAIN, folder)
    for call in (
        lambda: jobs_named(settings, names),
        lambda: check_keep(names[0], settings, tuple(settings.jobs.values())),
    ):
        try:
            call()
        except ConfigError as error:
            assert_printable(error.message)


Rows = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]


def database(rows: Rows, folder: Path) -> None:
    path = folder / "virtualcenter.db"
    if not path.exists():
        Db(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table, values in zip(("VPX_ENTITY", "VPX_SNAPSHOT", "VPX_DATASTORE"), rows, strict=True):
            connection.execute(f"DELETE FROM {table}")
            for row in values:
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        if not connection.execute("SELECT 1 FROM VPX_VM").fetchall():
            connection.execute("INSERT INTO VPX_VM VALUES (108, 9, 0), (110, 9, NULL)")
            connection.execute("INSERT INTO VPX_DS_ASSIGNMENT VALUES (688, 108), (688, 110), (688, 9)")
    asked = VirtualCenter(Database(url=f"sqlite:///{path}", owner=""))
    for ask in (lambda: asked.vms([688]).vms, lambda: asked.snapshots([108, 110]), asked.inventory):
        with suppress(SiteError):
            for one in ask():
                assert_rendered_safely(Warned(str(one)), Failed(getattr(one, "label", "x"), ""))
    with suppress(SiteError, Refused):
        for vm in asked.vms([688]).vms:
            vcb = Vcb(
                Vcenter(host="vc01", vcbsnapshot=("vcbsnapshot",), timeout=60, remove_timeout=60, settle=60, parallel=1)
            )
            assert vcb.argv(Quiesce(vm, "Quiesce"), masked=False)[3:] == ("-c", f"moref:vm-{vm.id}", "Quiesce")
            assert_printable(messages.safe(vm.label))


JOURNALS = samples("journal")
SCALARS = st.one_of(st.none(), st.integers(-(1 << 40), 1 << 40), st.floats(), NAMES, st.binary(max_size=8))
IDS = st.one_of(st.sampled_from([108, 110, 688]), SCALARS)
ROWS = st.tuples(
    st.lists(st.tuples(IDS, NAMES, SCALARS), max_size=4),
    st.lists(st.tuples(IDS, IDS, NAMES, SCALARS), max_size=4),
    st.lists(st.tuples(IDS, NAMES, SCALARS, SCALARS), max_size=4),
)

VERSION = "NetApp Release 7.0.2: Wed Oct 26 16:45:03 PDT 2005\n"
KNOWN = "[127.0.0.1]:22 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 x\n"
OVERLAY = '[vcenter]\npassword = { file = "x" }\n[jobs.vmvol1]\ndatastores = [688]\n'
FIRST = st.sampled_from([b"", b"\0", b"\1", b"x"])
CODES = st.sampled_from([0, 1, -9, None])
VCB = samples("vcbsnapshot")

READERS = (
    Reader("snap list", texts(*samples("filer", "snap_list*")), listing, (SiteError,)),
    Reader("snap answers", st.tuples(texts(*samples("filer")), texts("creating snapshot...")), answers),
    Reader("version", texts(VERSION), version, (SiteError, Refused)),
    Reader("rsh bytes", st.tuples(FIRST, blobs(*samples("filer"))), rsh, (SiteError,)),
    Reader("known_hosts", blobs(KNOWN), known_hosts, (SiteError,)),
    Reader("vcbsnapshot", st.tuples(blobs(*VCB, f"SsId:x\n{PASSWORD}"), blobs(PASSWORD), CODES), vcbsnapshot),
    Reader("journal files", blobs(*JOURNALS), journal, (JournalError,)),
    Reader("journal lines", texts(*"".join(JOURNALS).splitlines()), journal_line, (ValueError,)),
    Reader("snapall.toml", texts(PLAIN), toml, (ConfigError,)),
    Reader("secret files", blobs("vcpw\n"), secret, (ConfigError,)),
    Reader("batch files", blobs(*samples("bat")), batch),
    Reader("overlays", texts(OVERLAY), overlay, (ConfigError,)),
    Reader("database rows", ROWS, database),
    Reader("arguments", st.tuples(texts("vol1"), texts("before_upgrade")), arguments),
    *journals.READERS,
    *connections.READERS,
    *rows.READERS,
    *terminal.READERS,
    *rehearsals.READERS,
)

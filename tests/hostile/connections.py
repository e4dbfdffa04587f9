"""The readers of what connections and drivers bring: bytes of ssh, key files, program output, rows of any type."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import strategies as st
from pydantic import ValidationError

from snapall.backup.facts import Answered, Failed, Intent, Warned
from snapall.backup.model import FilerSnapshot
from snapall.backup.steps import Capture, Delete, Quiesce, Rename
from snapall.config.secret import Secret
from snapall.config.settings import Database, Filer
from snapall.errors import Refused, SiteError, SnapallError
from snapall.site import process, ssh
from snapall.site.answers import classify, parse_listing
from snapall.site.dbdrivers import trouble_of
from snapall.site.filer import FilerSystem, NotSent
from snapall.site.output import BoundedOutput
from snapall.site.vcb import Vcb, ssids
from snapall.site.virtualcenter import VirtualCenter
from snapall.site.volumes import Volumes
from tests.hostile.inputs import blobs, texts
from tests.hostile.reader import PASSWORD, VCENTER, VM, Canned, Reader, assert_rendered_safely, samples
from tests.hostile.shapes import columns, huge


def complaint(error: SnapallError) -> None:
    """What an expected error says can be shown, and shows no password."""
    assert_rendered_safely(Failed(error.message, error.hint))
    assert PASSWORD not in f"{error.message}{error.hint}"


class Channel:
    """A channel of ssh that brings these bytes."""

    def __init__(self, stdout: bytes, stderr: bytes, status: int) -> None:
        self.streams = {"out": [stdout[:7], stdout[7:]], "err": [stderr]}
        self.status = status

    def exec_command(self, command: bytes) -> None: ...

    def shutdown_write(self) -> None: ...

    def recv(self, size: int) -> bytes:
        return self._next("out")

    def recv_stderr(self, size: int) -> bytes:
        return self._next("err")

    def recv_exit_status(self) -> int:
        return self.status

    def _next(self, stream: str) -> bytes:
        chunks = [chunk for chunk in self.streams[stream] if chunk]
        self.streams[stream] = chunks[1:]
        return chunks[0] if chunks else b""


def ssh_bytes(output: tuple[bytes, bytes, int], _folder: Path) -> None:
    reply = ssh._execute(Channel(*output), b"version", bytearray())  # type: ignore[arg-type]
    assert_rendered_safely(Warned(f"{reply.stdout} {reply.stderr}"))
    with suppress(SiteError):
        parse_listing(reply.stdout, "vmvol1")


def key_files(data: bytes, folder: Path) -> None:
    path = folder / "id_rsa"
    path.write_bytes(data)
    filer = Filer(
        name="filer1",
        host="filer1",
        port=22,
        user="u",
        key_file=path,
        known_hosts=folder / "none",
        timeout=5,
        reserved_port=False,
    )
    key = ssh.Ssh(filer)._proof
    if isinstance(key, NotSent):
        complaint(key)
        raise key
    assert isinstance(key, paramiko.RSAKey)


def key() -> str:
    """A key that is nobody's and always the same, of two primes that everybody knows."""
    p, q, e = (1 << 607) - 1, (1 << 521) - 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    parts = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    made = rsa.RSAPrivateNumbers(p, q, d, *parts, rsa.RSAPublicNumbers(e, p * q)).private_key()
    text: bytes = made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return text.decode()


def rows_of_a_list(output: tuple[list[str], str], _folder: Path) -> None:
    """Whole listings: what is understood is what stood there, and only fit names come to a command."""
    lines, heading = output
    text = f"Volume vmvol1\nworking...\n\n{heading}\n" + "\n".join(lines)
    for row in parse_listing(text, "vmvol1"):
        assert row.name in text
        assert all(tag in text for tag in row.tags)
        assert_rendered_safely(Warned(f"{row.name} of {row.date}: {', '.join(row.tags)}"))
        _moved(row)


def _moved(row: FilerSnapshot) -> None:
    for step in (Rename("vmvol1", row.name, "a"), Delete("vmvol1", row.name)):
        filer = Canned("")
        with suppress(Refused):
            FilerSystem(filer, "filer1").perform(step)
        assert all(one.isascii() and one.isprintable() and one.count(" ") <= 4 for one in filer.sent)
        assert not any(sign in one for one in filer.sent for sign in ";|&$`<>'\"\\*?")


def status(output: str, _folder: Path) -> None:
    with suppress(SiteError):
        Volumes(Canned(output), "filer1").require_writable("vmvol1")


BOUND = 10.0  # seconds of a processor, however busy, that a reader may think about one input; it needs milliseconds


def huge_answers(text: str, _folder: Path) -> None:
    began = time.thread_time()
    for verb in ("create", "rename", "delete", "list"):
        classify(verb, text, text)
    with suppress(SiteError):
        parse_listing(text, "vmvol1")
    ssids(text), trouble_of(text)
    outcome = FilerSystem(Canned(text), "filer1").perform(Capture("vmvol1", "a"))
    assert_rendered_safely(Intent(1, Capture("vmvol1", "a")), Answered(1, outcome, 1.0))
    site_error(text, Path())
    assert time.thread_time() - began < BOUND


def site_error(output: str, _folder: Path) -> None:
    """What a driver says, connection string and all, as the user sees it."""
    asked = VirtualCenter(Database(url="mssql+pyodbc://u@VirtualCenter", password=Secret(PASSWORD)))
    complaint(asked._site_error(trouble_of(output), output))


def urls(url: str, _folder: Path) -> None:
    asked = VirtualCenter(Database(url=url, password=Secret(PASSWORD)))
    asked._url.get_backend_name()
    complaint(asked._site_error(trouble_of(""), ""))


def output(data: bytes, _folder: Path) -> None:
    """What a program wrote, in whatever code page."""
    kept = BoundedOutput((b"ssid:",))
    kept.feed(data)
    text = kept.text()
    vcb = Vcb(VCENTER)
    step = Quiesce(VM, "Quiesce-x")
    outcome = vcb._judge(step, process.Completed((), 0, text, text, 1.0), 60)
    assert_rendered_safely(Intent(1, step), Answered(1, outcome, 1.0))


DATES = ("Mar", "Apr"), ("22", " 7"), ("03:00", "23:59"), ("vmware_recent", "hourly.0", "a" * 200)
ROW = columns(*DATES) | columns(*DATES, ("(busy,LUNs)", "(busy,snapmirror)", "(snapmirror)", "( busy , x )"))
SPACED = st.builds(lambda percents, row: f"  {percents}  {row}", columns(("1% ( 1%)", "0% (0%)"), ("0% ( 0%)",)), ROW)
HEADING = st.sampled_from(["  %/used       %/total  date          name", "date          name", "-" * 20, "working..."])
LISTS = st.tuples(st.lists(ROW | ROW | SPACED, min_size=1, max_size=6), HEADING)
STUMBLING = (
    *("snapshot ", "volume ", "does not exist", "doesn't ", "exist", " volume x ", "not found.", "type '?'", "\n"),
    *(
        "Mar 22 03:00 a ",
        "(",
        "1% ( 1%) ",
        "----  ",
        "SsId:",
        "a=",
        ";",
        " ",
        "pwd=",
        "{",
        "role ",
        "column ",
        "relation ",
    ),
    *("Mon Apr  7 14:08:21 CEST [", "table or view ", "'", "date name"),
)
KEYS = blobs(key())
SAID = [line for text in samples("database") for line in text.splitlines()]
LOGIN = f"DRIVER={{FreeTDS}};SERVER=vc01;UID=vc_user;PWD={PASSWORD}; (28000) Login failed"
URLS = (
    f"mssql+pyodbc://vc_user:{PASSWORD}@VirtualCenter",
    f"mssql+pyodbc:///?odbc_connect=DSN%3Dx%3BPWD%3D{PASSWORD}",
    "sqlite:////var/lib/x.db?mode=ro&uri=true",
    "postgresql+pg8000://u@[::1]:5432/VCDB",
)

READERS = (
    Reader("snap list rows", LISTS, rows_of_a_list, (SiteError,)),
    Reader("vol status", texts(*samples("filer", "vol_status*")), status, (Refused,)),
    Reader("huge answers", huge(*STUMBLING), huge_answers),
    Reader("ssh bytes", st.tuples(blobs(*samples("filer")), blobs("x"), st.sampled_from([0, 1, -1])), ssh_bytes,
           (EOFError, OSError)),
    Reader("key files", KEYS, key_files, (SiteError,)),
    Reader("program output", blobs(*samples("vcbsnapshot"), f"SsId:x\n{PASSWORD}"), output),
    Reader("driver errors", texts(*SAID, LOGIN), site_error),
    Reader("database URLs", texts(*URLS), urls, (SiteError, ValidationError)),
)  # fmt: skip

"""What a reader of outside text is, and the rules for its results."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from snapall.backup.model import Vm
from snapall.backup.record import Record, What
from snapall.config.secret import Secret
from snapall.config.settings import Filer, Vcenter
from snapall.site.filer import FilerReply
from snapall.views import jsonlines, logfile, plain

FIXTURES = Path(__file__).parents[2] / "fixtures"
PASSWORD = "s3cr\u00e9t"
STAMP = datetime(2007, 3, 22, 3, tzinfo=UTC)
VM = Vm(108, "web01", "esx1")
FILER = Filer(
    name="filer1",
    host="filer1",
    transport="rsh",
    port=514,
    user="snapall",
    timeout=5,
    local_user="snapall",
    reserved_port=False,
)


VCENTER = Vcenter(
    host="vc01",
    user="vcbackup",
    password=Secret(PASSWORD),
    vcbsnapshot=("vcbsnapshot",),
    timeout=60,
    remove_timeout=60,
    settle=60,
    parallel=1,
)


def samples(folder: str, pattern: str = "*.*") -> list[str]:
    """Recorded output of real systems."""
    return [path.read_text(encoding="utf-8", errors="replace") for path in sorted((FIXTURES / folder).glob(pattern))]


@dataclass(frozen=True, slots=True)
class Reader:
    """`read` raises nothing but `expected`, whatever it is given, and checks by itself what it has made."""

    name: str
    inputs: st.SearchStrategy[Any]
    read: Callable[[Any, Path], object]
    expected: tuple[type[Exception], ...] = ()


def assert_printable(text: str) -> None:
    """No character of it can control a terminal or forge a line."""
    assert all(char.isprintable() for char in text), repr(text)


class Logged(logfile.LogFile):
    """The log, into memory."""

    def __init__(self) -> None:
        super().__init__(Path("never written"), "%H:%M", lambda at: at, "")
        self.lines: list[str] = []

    def _append(self, data: bytes) -> None:
        self.lines += data.decode().splitlines()


def assert_rendered_safely(*whats: What) -> None:
    """The log, the plain lines and the JSON lines render it safely."""
    log, stdout, stderr = Logged(), io.StringIO(), io.StringIO()
    for what in whats:
        for listener in (log, jsonlines.JsonLines(stdout), plain.PlainLines(stderr, quiet=False)):
            listener(Record(STAMP, what))
    for line in [*log.lines, *stderr.getvalue().split("\n")]:
        assert_printable(line)
    for line in stdout.getvalue().splitlines():
        json.loads(line, parse_constant=_no_json)


def _no_json(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


class Canned:
    """A filer connection with one canned answer."""

    def __init__(self, stdout: str, stderr: str = "") -> None:
        self.reply = FilerReply(stdout, stderr)
        self.sent: list[str] = []

    def preconnect(self) -> None:
        """There is nothing to open."""

    def run(self, command: str) -> FilerReply:
        self.sent.append(command)
        return self.reply

    def command_line(self, command: str) -> str:
        return f"rsh filer1 {command}"

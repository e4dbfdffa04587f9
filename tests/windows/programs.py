"""What RSH, osql and vcbsnapshot answer to a batch: the lab does what they are asked, so that both write one ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from snapall.lab.filershell import Ending, FilerShell
from snapall.lab.vcbsnapshot import vcbsnapshot
from snapall.lab.world import World
from tests.conformity.observed import VERBS
from tests.windows.standins import StandInCall, StandInReply

UNREACHED = "[DBNETLIB]SQL Server does not exist or access denied.\r\n"
# What osql writes into its output file when a query fails, and its exit code, by the recordings' words for it.
OSQL_FAILS: Mapping[str, tuple[int, str | None]] = {
    "nofile": (1, None),
    "empty": (1, ""),
    "errtext": (1, f"{UNREACHED}[DBNETLIB]ConnectionOpen (Connect()).\r\n"),
    "loginfail": (1, "Login failed for user 'vc_user'.\r\n"),
    "badtable": (0, "Msg 208, Level 16, State 1, Server VCSQL, Line 1\r\nInvalid object name 'vc_user.{}'.\r\n"),
}
COLUMN = 12  # characters of a number, as osql prints it


@dataclass(slots=True)
class LabPrograms:
    """The programs at one lab.

    `strict` checks VCB's login. `osql` says which query fails how: "1", "2" or "all". `blank_line`: osql writes one
    before its last line; without it for an interpreter that does not skip it.
    """

    world: World
    strict: bool
    osql: Mapping[str, str]
    blank_line: bool
    queries: int = 0

    def __call__(self, call: StandInCall) -> StandInReply:
        """Answer one call."""
        match call.name:
            case "RSH":
                return self._rsh(call.argv)
            case "osql":
                return self._osql(call.argv)
            case "vcbsnapshot":
                return self._vcbsnapshot(call.argv)
            case name:
                return StandInReply(1, err=f"no stand-in for {name}\n")

    def _rsh(self, argv: Sequence[str]) -> StandInReply:
        """As an rsh without a channel of its own for errors: all that the filer sends is output."""
        host, *command = argv
        shell = FilerShell(self.world)
        reply = shell.login("rsh")
        if reply.ending is Ending.ANSWER and not reply.stderr:
            reply = shell.answer(" ".join(command), "rsh", "")
        if reply.ending is not Ending.ANSWER:
            return StandInReply(1, err=f"{host}: Connection refused\n")
        return StandInReply(0, reply.stdout + reply.stderr)

    def _osql(self, argv: Sequence[str]) -> StandInReply:
        self.queries += 1
        query, file = argv[argv.index("-Q") + 1], argv[argv.index("-o") + 1]
        how = self.osql.get("all") or self.osql.get("21"[self.queries % 2])
        if how is None:
            return StandInReply(file=(file, self._answered(query)))
        if how.startswith("exit:"):
            return StandInReply(int(how.removeprefix("exit:")))
        code, text = OSQL_FAILS[how]
        if text is None:
            return StandInReply(code, UNREACHED)
        table = "VPX_SNAPSHOT" if "from vc_user.VPX_SNAPSHOT" in query else "VPX_VM"
        return StandInReply(code, file=(file, text.format(table)))

    def _answered(self, query: str) -> str:
        """What osql writes for a query: the lab's database, whose tables have whatever owner it names."""
        with closing(sqlite3.connect(":memory:")) as db:
            owner = query[: query.index(".VPX_")].rsplit(maxsplit=1)[-1]
            db.execute(f"ATTACH ? AS {owner}", (str(self.world.directory / "virtualcenter.db"),))
            rows: list[tuple[Any, ...]] = db.execute(query).fetchall()
        lines = ["".join(f"{value!s:>{COLUMN}}" for value in row) + " \r\n" for row in rows]
        blank = "\r\n" * self.blank_line
        return f"{''.join(lines)}{blank}({len(rows)} row{'s' * (len(rows) != 1)} affected)\r\n"

    def _vcbsnapshot(self, argv: Sequence[str]) -> StandInReply:
        """The lab's program; where the recorded one let everybody in, with the login that the lab accepts."""
        settings = self.world.settings
        given = list(argv)
        if not self.strict:
            at = next(place for place, word in enumerate(argv) if word in VERBS)
            login = ["-h", "vc01", "-u", settings.vc_user, "-p", settings.vc_password]
            given = [*login, *argv[at:]]
        end = vcbsnapshot(self.world, given)
        return StandInReply(end.exit, end.stdout, end.stderr)

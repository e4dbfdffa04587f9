"""Inside the run that is struck: counts its external calls as they are made, and strikes at the chosen ones.

Python itself reports every connection and every program that is started (PEP 578), SQLAlchemy every statement: nothing
of snapall takes part. What must come after a call has acted is a fault, planted in the lab as the call begins.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy

from snapall.drill import NotOnWindows
from snapall.drill.cells import KINDS, LATE, ExternalCall, Strike, StrikeTime, System
from snapall.lab import vcbclient
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.world import World

MARK = "refused"  # a file beside the world, made when the database is refused, for no ledger records that
_CLIENT = frozenset({vcbclient.__file__, "snapall.lab.vcbclient"})  # one of them stands in each call of vcbsnapshot


class CallCounter:
    """Counts, carries out `strikes` (a hang lasts `hang` seconds), and appends each call to `record` if given."""

    def __init__(self, world: Path, strikes: Sequence[Strike], hang: float, record: Path | None) -> None:
        self._world = world
        self._hang = hang
        self._strikes = {(strike.call.system, strike.call.n): strike for strike in strikes}
        self._record = record
        self._counts: Counter[System] = Counter()
        self._lock = threading.Lock()
        self._thread = threading.local()

    def listen(self) -> None:
        """Count from now on, for the rest of this process's life."""
        sys.addaudithook(self._audit)
        sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", self._before_statement)
        for answered in ("after_cursor_execute", "handle_error"):  # a statement may be refused, too
            sqlalchemy.event.listen(sqlalchemy.Engine, answered, self._after_statement)

    def _audit(self, event: str, details: tuple[object, ...]) -> None:
        if event == "subprocess.Popen":
            argv = [str(one) for one in details[1]] if isinstance(details[1], (list, tuple)) else []
            if not _CLIENT.isdisjoint(argv):
                self._call(System.VCB, " ".join(argv[-3:-1] if "-d" in argv or "-c" in argv else argv[-1:]))
            elif "snapall.app.guardian" in argv:
                self._call(System.GUARDIAN, "its start")
        elif event == "socket.connect":
            self._call(System.FILER, "a command")

    def _before_statement(self, *details: object) -> None:
        statement = str(details[2])
        table = found[0] if (found := re.search(r"\bVPX_\w+", statement)) is not None else "a look"
        self._thread.strike = None
        strike = self._call(System.DATABASE, table)
        if strike is not None and strike.time is StrikeTime.REFUSE:
            (self._world / MARK).touch()
            error = sqlite3.OperationalError("unable to open database file")
            raise sqlalchemy.exc.OperationalError(statement, {}, error)
        self._thread.strike = strike

    def _after_statement(self, *_details: object) -> None:
        strike = getattr(self._thread, "strike", None)
        if strike is not None and strike.time is StrikeTime.AFTER:
            _die()

    def _call(self, system: System, what: str) -> Strike | None:
        with self._lock:
            self._counts[system] += 1
            strike = self._strikes.get((system, self._counts[system]))
            if self._record is not None:
                with self._record.open("a", encoding="utf-8") as record:
                    record.write(f"{system}\t{what}\n")
        if strike is not None and strike.time is StrikeTime.BEFORE:
            _die()
        if strike is not None and system is not System.DATABASE:
            with World(self._world) as world:
                world.add_faults(*self._faults(strike))
        return strike

    def _faults(self, strike: Strike) -> Iterator[Fault]:
        for kind in KINDS[strike.time]:
            seconds = {FaultKind.HANG: self._hang, FaultKind.ACT_LATE: LATE}.get(kind, 0.0)
            yield Fault(strike.call.system, kind, seconds=seconds, victim=os.getpid())


def _die() -> None:
    if sys.platform == "win32":
        raise NotOnWindows
    os.kill(os.getpid(), signal.SIGKILL)


def recorded(path: Path) -> tuple[ExternalCall, ...]:
    """The calls that a whole run recorded."""
    counts: Counter[str] = Counter()
    calls = []
    for line in path.read_text(encoding="utf-8").splitlines():
        system, _, what = line.partition("\t")
        counts[system] += 1
        calls.append(ExternalCall(System(system), counts[system], what))
    return tuple(calls)

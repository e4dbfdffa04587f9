"""What the faults do to a call: which of them strike it, and what comes before, beside and after it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.lab.effects import make_snapshot
from snapall.lab.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Struck:
    """The faults that strike one call: at most one that decides its answer, and any number beside it."""

    main: Fault | None = None
    beside: tuple[Fault, ...] = ()

    @property
    def label(self) -> str | None:
        """Their kinds, as the ledger names them."""
        return ", ".join(fault.kind for fault in (self.main, *self.beside) if fault) or None

    def before_answer(self) -> None:
        """Send the signals that come after the act. Call it when the act is committed."""
        for fault in self.beside:
            if fault.kind is FaultKind.SIGNAL_AFTER:
                _signal(fault)


def strike(transaction: Transaction, verb: str, vm: int | None, argv: Sequence[str]) -> Struck:
    """Count the call, find the faults that strike it, and let happen what comes before the call."""
    found = []
    for id_, text, count in transaction.rows("SELECT id, json, seen FROM faults ORDER BY id"):
        fault = Fault.from_json(text)
        if fault.concerns(verb, vm, argv):
            transaction.db.execute("UPDATE faults SET seen = ? WHERE id = ?", (count + 1, id_))
            if fault.strikes(count + 1):
                found.append(fault)
    main = next((fault for fault in found if fault.kind.decides), None)
    beside = tuple(fault for fault in found if not fault.kind.decides)
    transaction.lag = next((fault for fault in beside if fault.kind is FaultKind.LAG), None)
    for fault in beside:
        _before(transaction, fault, vm)
    return Struck(main, beside)


def _before(transaction: Transaction, fault: Fault, vm: int | None) -> None:
    match fault.kind:
        case FaultKind.SIGNAL:
            _signal(fault)
        case FaultKind.DISK_FULL:
            _fill_disk(fault.victim)
        case FaultKind.TAG:
            query = "UPDATE filer_snapshots SET tags = ? WHERE name = ?"
            transaction.db.execute(query, (fault.text, fault.snapshot))
        case FaultKind.VANISH:
            transaction.db.execute("DELETE FROM filer_snapshots WHERE name = ?", (fault.snapshot,))
        case FaultKind.PANIC | FaultKind.BREAK_OFF:
            _interrupt(transaction, fault)
        case FaultKind.MANUAL if vm is not None:
            make_snapshot(transaction, vm, fault.snapshot, f"snapshot-{transaction.count('vm_snapshot')}")
        case FaultKind.UNREGISTER if vm is not None:
            transaction.unregister(vm)
        case FaultKind.MOVE if vm is not None:
            hosts = [id_ for (id_,) in transaction.rows("SELECT id FROM hosts ORDER BY id")]
            here = transaction.value("SELECT host FROM vms WHERE id = ?", vm)
            transaction.move(vm, hosts[(hosts.index(here) + 1) % len(hosts)])
        case _:
            pass


def _interrupt(transaction: Transaction, fault: Fault) -> None:
    from snapall.lab.clones import restart_work  # noqa: PLC0415 - vcbsnapshot starts once for every VM
    from snapall.lab.relations import break_off  # noqa: PLC0415

    if fault.kind is FaultKind.PANIC:
        restart_work(transaction)
    break_off(transaction, fault.text)


def after(transaction: Transaction, struck: Struck) -> None:
    """Let happen what comes after the call: the database goes down or up."""
    for fault in struck.beside:
        if fault.kind in (FaultKind.DATABASE_DOWN, FaultKind.DATABASE_UP):
            transaction.database(up=fault.kind is FaultKind.DATABASE_UP)
        if fault.kind is FaultKind.DATABASE_DOWN and fault.seconds:
            transaction.defer(fault.seconds, 0, ("database", "up"))


def _signal(fault: Fault) -> None:
    """A victim that has died already gets none."""
    with suppress(ProcessLookupError):
        os.kill(fault.victim, fault.signal)


def _fill_disk(victim: int) -> None:
    """Let its files grow no more; only Linux lets one process limit another."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - missing on Windows

    hard = resource.prlimit(victim, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(victim, resource.RLIMIT_FSIZE, (0, hard))

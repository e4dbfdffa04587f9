"""What acts without its caller: commands whose caller has left, and what the filer copies in the background."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from snapall.lab.effects import Denied, make_snapshot, remove_snapshot, with_quiesced
from snapall.lab.ledger import Effect, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction


def perform(transaction: Transaction, command: Sequence[str]) -> Effect | Denied:
    """Carry out a command of the filer, or one of the lab's own: `make VM NAME ID`, `copied TASK` and so on."""
    match command:
        case ["make", vm, name, ssid]:
            return make_snapshot(transaction, int(vm), name, ssid)
        case ["remove", vm, ssid]:
            return remove_snapshot(transaction, int(vm), ssid)
        case ["copied", task]:
            from snapall.lab.clones import finish_work  # noqa: PLC0415 - vcbsnapshot starts once for every VM

            return finish_work(transaction, int(task))
        case ["transferred", task]:
            from snapall.lab.relations import finish_transfer  # noqa: PLC0415

            return finish_transfer(transaction, int(task))
        case ["kept", volume, name]:
            from snapall.lab.relations import finish_keeping  # noqa: PLC0415

            return finish_keeping(transaction, volume, name)
        case ["database", "up"]:
            transaction.database(up=True)
            return Denied("")
        case _:
            from snapall.lab.changes import filer_change  # noqa: PLC0415

            answer = filer_change(transaction, command)
            return answer if isinstance(answer, Effect | Denied) else Denied(answer or "")


def perform_deferred(transaction: Transaction) -> None:
    """Carry out the deferred commands that are due, each with a ledger entry if it changed something."""
    query = "SELECT id, entry, words FROM tasks WHERE acted IS NULL AND due <= ? ORDER BY due, id"
    for id_, entry, command in transaction.rows(query, transaction.now):
        effect = perform(transaction, json.loads(command))
        transaction.db.execute("UPDATE tasks SET acted = ? WHERE id = ?", (isinstance(effect, Effect), id_))
        if isinstance(effect, Effect):
            system = "filer" if effect.vm is None else "vcbsnapshot"
            transaction.record(with_quiesced(transaction, Entry(transaction.time, system, effect=effect, of=entry)))

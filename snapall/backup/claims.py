"""Which run owns a VM: two jobs may share it, but only one at a time may have a snapshot on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from snapall.backup.context import Claims
from snapall.backup.journal import is_closed, journals
from snapall.backup.lock import briefly
from snapall.backup.queries import may_have_left
from snapall.backup.runstate import RunState
from snapall.backup.store import JournalStore


def claims_of(store: JournalStore, own: Path, vcenter: str) -> Claims:
    """The check that a run makes before it quiesces VMs of this VirtualCenter; `own` is its journal.

    Check and intents happen under one lock of the state folder, so that one of two runs comes first.
    """

    closed = {own}  # a closed run quiesces no VM any more

    @contextmanager
    def claim(vms: Collection[int]) -> Iterator[Mapping[int, str]]:
        with briefly(store.state / "vms.lock"):
            closed.update(path for path in journals(store.folder) if path not in closed and is_closed(path))
            states = [state for state in store.states(but=closed) if state.header.vcenter == vcenter]
            yield owned(states, vms)

    return claim


def owned(states: Iterable[RunState], vms: Collection[int]) -> dict[int, str]:
    """The VMs among these that these runs may have left quiesced, and why."""
    return {one.vm.id: may_have_left(state, one) for state in states for one in state.outstanding if one.vm.id in vms}

"""Delivers records to whoever listens; a listener never decides anything, and never holds a run up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from snapall.backup.record import Record

Listener = Callable[[Record], None]


class EventBus:
    """Delivers to every listener on a thread of its own: one that raises is dismissed, one that hangs delays nobody.

    A terminal may close and a pipe may block while VMs are quiesced; what releases them must not notice.
    """

    def __init__(self, *listeners: Listener) -> None:
        self._queues: list[queue.SimpleQueue[Record | None]] = []
        self._threads: list[threading.Thread] = []
        self.dismissed: list[BaseException] = []
        for listener in listeners:
            inbox: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
            thread = threading.Thread(target=self._deliver, args=(listener, inbox), daemon=True)
            self._queues.append(inbox)
            self._threads.append(thread)
            thread.start()

    def __call__(self, record: Record) -> None:
        """Hand the record over; never blocks and never raises."""
        for inbox in self._queues:
            inbox.put(record)

    def close(self, patience: float = 10) -> None:
        """Let the listeners finish, but wait no longer than so many seconds for each."""
        for inbox in self._queues:
            inbox.put(None)
        for thread in self._threads:
            thread.join(patience)

    def _deliver(self, listener: Listener, inbox: queue.SimpleQueue[Record | None]) -> None:
        while (record := inbox.get()) is not None:
            try:
                listener(record)
            except BaseException as error:  # noqa: BLE001 - rich answers a closed pipe with SystemExit
                self.dismissed.append(error)
                return

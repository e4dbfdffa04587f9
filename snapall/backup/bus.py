"""Delivers records to listeners, which decide nothing and never delay a run."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from snapall.backup.record import Record

Listener = Callable[[Record], None]

COURTESY = 0.005
"""Seconds that a listener leaves to the run after a record: its next command goes out before anybody is told."""


class EventBus:
    """Delivers to every listener on its own thread: one that raises is dismissed, one that hangs delays nobody.

    A terminal may close and a pipe may block while VMs are quiesced; the release must not notice.
    """

    def __init__(self, *listeners: Listener) -> None:
        self._workers: list[tuple[queue.SimpleQueue[Record | None], threading.Thread]] = []
        self.dismissed: list[BaseException] = []
        for listener in listeners:
            inbox: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
            thread = threading.Thread(target=self._deliver, args=(listener, inbox), daemon=True)
            self._workers.append((inbox, thread))
            thread.start()

    def __call__(self, record: Record) -> None:
        """Hand over a record; never block, never raise."""
        for inbox, _ in self._workers:
            inbox.put(record)

    def close(self, patience: float = 10) -> None:
        """Let the listeners finish; wait at most so many seconds for each."""
        for inbox, _ in self._workers:
            inbox.put(None)
        for _, thread in self._workers:
            thread.join(patience)

    def _deliver(self, listener: Listener, inbox: queue.SimpleQueue[Record | None]) -> None:
        while True:
            idle = inbox.empty()
            if (record := inbox.get()) is None:
                return
            if idle:
                time.sleep(COURTESY)
            try:
                listener(record)
            except BaseException as error:  # noqa: BLE001 - rich answers a closed pipe with SystemExit
                self.dismissed.append(error)
                return

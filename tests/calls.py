"""The processes that belong to one lab, and to no other test's that runs at the same time."""

from __future__ import annotations

from contextlib import suppress

import psutil

from tests.atlab import AtLab


def processes(night: AtLab, module: str) -> list[psutil.Process]:
    """The living processes of a module that name this very lab's folder."""
    folder = str(night.lab.directory)
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            argv = process.cmdline()
            named = any(word == folder or word.startswith(f"{folder}/") for word in argv)
            if module in argv and named and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_calls(night: AtLab) -> None:
    """End every vcbsnapshot that is under way; what it asked for stays done."""
    for one in processes(night, "snapall.lab.vcbsnapshot"):
        with suppress(psutil.NoSuchProcess):
            one.kill()

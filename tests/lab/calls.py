"""The processes that belong to one lab, and to no other test's that runs at the same time."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress

import psutil

from tests.lab.atlab import AtLab


def processes(wanted: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """The living processes with such a command line."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # OSError: under Wine, of a process that ends just now
            if wanted(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def vcbsnapshot_of(night: AtLab) -> list[str]:
    """The lab's own vcbsnapshot, which no other lab has."""
    program: list[str] = tomllib.loads(night.config.read_text())["vcenter"]["vcbsnapshot"]
    return program


def end_programs(program: Sequence[str]) -> None:
    """End every call of a program that is under way; what it asked for stays done."""
    for one in processes(lambda argv: argv[: len(program)] == list(program)):
        with suppress(psutil.NoSuchProcess):
            one.kill()


def end_calls(night: AtLab) -> None:
    """End every vcbsnapshot of a lab that is under way."""
    end_programs(vcbsnapshot_of(night))

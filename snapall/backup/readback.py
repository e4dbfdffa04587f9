"""Reads a journal back: its records, or what is wrong with it, and what its readable lines say."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from snapall.backup import private
from snapall.backup.codec import from_line
from snapall.backup.facts import FORMAT, Began
from snapall.backup.phases import VmState
from snapall.backup.queries import never_asked
from snapall.backup.record import Record, header_of, is_intent, number_of
from snapall.backup.runstate import RunState
from snapall.backup.state import fold
from snapall.errors import JournalError, OldFormat
from snapall.escaping import shell_word

ASIDE = ".aside"
"""The suffix of a journal that no command should read any more."""


_CHUNK = 16384  # bytes: the summary of some forty VMs
_LONGEST = 1 << 24  # bytes of a last line


def read_journal(path: Path) -> tuple[list[Record], int]:
    """The records of a file, and how many bytes of it are whole. JournalError: it cannot be read."""
    whole, size = whole_lines(path)
    _require_format(path, whole)
    try:
        records = parsed(whole[:size], 1)
        _require_header(records)
        lost = whole[size:]
        behind = parsed(lost[lost.rfind(b"\0") + 1 :].partition(b"\n")[2], whole[:size].count(b"\n") + 2)
        _require_no_loss(records, behind)
    except ValueError as error:
        raise damaged(path, str(error), whole) from error
    return records, size


def whole_lines(path: Path) -> tuple[bytes, int]:
    """The whole lines of a file, and how many bytes of them were synced. JournalError: it cannot be read."""
    try:
        with private.read(path) as file:
            data = file.read()
    except OSError as error:
        raise JournalError(
            f"the journal {path} cannot be read: {error.strerror}", "check the permissions of the file", "SA-1509"
        ) from error
    whole = data[: data.rfind(b"\n") + 1]
    # A power cut can leave zeros where nothing was synced. The lines behind the zeros were not synced either.
    return whole, whole.rfind(b"\n", 0, whole.index(b"\0")) + 1 if b"\0" in whole else len(whole)


def parsed(data: bytes, first: int) -> list[Record]:
    """The records of whole lines; `first` is the number of the first one. ValueError: a line is no record."""
    records = []
    for number, line in enumerate(_lines(data), first):
        try:
            record = from_line(line)
        except ValueError as error:
            raise ValueError(f"is damaged in line {number}: {error}") from error
        if record is not None:
            records.append(record)
    return records


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").splitlines()


def last_line(path: Path) -> tuple[int, bytes]:
    """Where the last line of the file begins, and the line, which may be torn. Reads only the file's end."""
    with private.read(path) as file:
        size = begin = file.seek(0, os.SEEK_END)
        tail = b""
        while begin > 0 and len(tail) <= _LONGEST and _last_begins(tail) == 0:
            begin = max(0, begin - max(_CHUNK, len(tail)))
            file.seek(begin)
            tail = file.read(size - len(tail) - begin) + tail
    cut = _last_begins(tail)
    return begin + cut, tail[cut:]


def _last_begins(data: bytes) -> int:
    """Ignore blank lines at the end, which an editor may leave."""
    return data.rfind(b"\n", 0, len(data.rstrip())) + 1


def _require_header(records: list[Record]) -> None:
    if records and header_of(records) is None:
        raise ValueError("begins without its header")


def _require_no_loss(records: list[Record], behind: list[Record]) -> None:
    """Every command's intent was synced before it was sent: a power cut leaves no hole before an answer."""
    intended = {number_of(one.what) for one in records if is_intent(one.what)}
    if any(number_of(one.what) and not is_intent(one.what) and number_of(one.what) not in intended for one in behind):
        raise ValueError("has lost lines in its middle")


class Damaged(JournalError):
    """A journal that something else has changed. `state`: the fold of its readable lines."""

    def __init__(self, message: str, hint: str, code: str, state: RunState) -> None:
        super().__init__(message, hint, code)
        self.state = state


def damaged(path: Path, what: str, data: bytes) -> Damaged:
    """The error for a journal that something else has changed, with the fold of its readable lines."""
    readable = []
    for line in _lines(data):
        with suppress(ValueError):
            readable.append(from_line(line))
    state = fold(record for record in readable if record is not None)
    named = ", ".join(map(_label, state.outstanding)) or "no VM"
    lost = [one.vm.label for one in never_asked(state)]
    rest = f"; it is unknown whether the run tried {', '.join(lost)}" if lost else ""
    return Damaged(
        f"the journal {path} {what}; judging by its readable lines, possibly still quiesced: {named}{rest}",
        put_aside(path),
        "SA-1507",
        state,
    )


def put_aside(path: Path) -> str:
    """The remedy for a journal that cannot be used."""
    old, new = (shell_word(str(one)) for one in (path, f"{path}{ASIDE}"))
    return (
        f"rename {old} to {new}, so that no command reads it; then run `snapall recover --adopt`, which lists the VM "
        "snapshots that the run may have left once they are older than max_quiesced; check the list, then remove them "
        "all with `snapall recover --adopt --yes`; `snapall audit` shows what is left on the filer"
    )


def _label(one: VmState) -> str:
    ids = f" ({', '.join(one.ids)})" if one.ids else ""
    return f"{one.vm.label} by {one.name}{ids}"


def format_of(data: bytes, header: str) -> tuple[int, str]:
    """The format and the version in the first line, if that is a header of this kind; 0: it is none."""
    try:
        first = json.loads(data.partition(b"\n")[0] or b"{}")
    except (ValueError, RecursionError):
        return 0, ""  # reading the line reports what is wrong with it
    if not isinstance(first, dict) or first.get("is") != header:
        return 0, ""
    number = first.get("format", 1)
    return (number if isinstance(number, int) else 0), str(first.get("version", "unknown"))


def _require_format(path: Path, data: bytes) -> None:
    number, version = format_of(data, Began.__name__)
    if number not in {0, FORMAT}:
        raise OldFormat(
            f"the journal {path} was written by another version of snapall ({version})",
            f"run `snapall recover` with that version; if you no longer have it, {put_aside(path)}",
            "SA-1508",
        )

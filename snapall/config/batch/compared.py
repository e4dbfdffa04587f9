"""Two sequences of a good night side by side: what the batch sends, and what snapall does; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

Key = tuple[str, ...]
"""What a command is about, the same for both sides: ("quiesce", "vm-108"), ("rename", VOLUME, OLD, NEW).

("publish", VOLUME, NEW) renames the new backup, which has another name until then.
"""

_MOVED = "2: the batch rotates before the new backup exists, snapall once it is confirmed"
_OWN = {
    "version": "snapall first checks that the filer answers and is in 7-Mode",
    "list": "snapall rotates by what the filer lists, and reads each new name back",
    "snapshots": "10: snapall knows its ids, and checks which snapshots exist",
    "capture": "safe order: the new backup has a name of its own until it is confirmed",
    "quiesce": "safe order: the name shows which run made the snapshot",
}


@dataclass(frozen=True, slots=True)
class ComparedCommand:
    """One command of a side. `why`: how the batch's differs from snapall's, with the number in docs/differences.md."""

    key: Key
    text: str
    line: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What both sides send at this point; "" for nothing."""

    line: int
    batch: str
    snapall: str
    why: str


def side_by_side(batch: Sequence[ComparedCommand], snapall: Sequence[ComparedCommand]) -> list[Row]:
    """Align both sequences; the numbers in the reasons are those of docs/differences.md."""
    match = SequenceMatcher(None, _placed(batch), _placed(snapall), autojunk=False)
    rows: list[Row] = []
    for kind, first, last, start, end in match.get_opcodes():
        if kind == "equal":
            rows += [_both(one, other) for one, other in zip(batch[first:last], snapall[start:end], strict=True)]
        else:
            rows += _batch_alone(batch[first:last], snapall)
            rows += _snapall_alone(snapall[start:end])
    return rows


def _placed(commands: Sequence[ComparedCommand]) -> list[tuple[Key, bool]]:
    """The keys, each with whether it comes after the capture: a rotation before it is not one behind it."""
    captured = next((at for at, one in enumerate(commands) if one.key[0] == "capture"), len(commands))
    return [(one.key, at > captured) for at, one in enumerate(commands)]


def _both(one: ComparedCommand, other: ComparedCommand) -> Row:
    why = [one.why] if one.why else []
    # The programs are called alike; what is named differently, only in safe order.
    if one.key[0] in ("quiesce", "capture") and one.text.split()[-1] != other.text.split()[-1]:
        why.append(_OWN[one.key[0]])
    return Row(one.line, one.text, other.text, "; ".join(why))


def _batch_alone(commands: Sequence[ComparedCommand], others: Sequence[ComparedCommand]) -> Iterator[Row]:
    known = {one.key for one in others}
    for one in commands:
        moved = one.key in known and one.key[0] in ("delete", "rename")
        yield Row(one.line, one.text, "", "; ".join(part for part in (one.why, _MOVED if moved else "") if part))


def _snapall_alone(commands: Sequence[ComparedCommand]) -> Iterator[Row]:
    for one in commands:
        yield Row(0, "", one.text, _OWN.get(one.key[0], "safe order") if one.key[0] in _OWN else _turn(one.key))


def _turn(key: Key) -> str:
    return _MOVED if key[0] in ("delete", "rename", "publish") else ""

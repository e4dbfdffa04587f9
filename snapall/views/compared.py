"""A batch's good night beside snapall's, for the administrator's change request."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Protocol

from snapall.views.columns import indented, labelled, table_lines


class ComparedRow(Protocol):
    """A row: the batch's line, what both send, and why they differ."""

    @property
    def line(self) -> int:
        """The line of the batch, 0 for none."""

    @property
    def batch(self) -> str:
        """What the batch sends."""

    @property
    def snapall(self) -> str:
        """What snapall sends."""

    @property
    def why(self) -> str:
        """Why they differ."""


class Beside(Protocol):
    """A command of the batch that is not taken over: its line, what it is, and what stands in for it."""

    @property
    def line(self) -> int:
        """The line of the batch."""

    @property
    def text(self) -> str:
        """What it is."""

    @property
    def remedy(self) -> str:
        """What stands in for it."""


def notice_lines(name: str, notices: Sequence[Beside], width: int) -> list[str]:
    """What a batch does beside the backup, and what becomes of it; nothing if it does no more. `width`: as below."""
    if not notices:
        return []
    lines = [line for one in notices for line in (f"  line {one.line}: {one.text}", f"      {one.remedy}")]
    head = f"What {name} does beside the backup, and what becomes of it:"
    return [part for line in (head, *lines) for part in indented(line, width)]


def compared_lines(name: str, job: str, rows: Sequence[ComparedRow], width: int) -> list[str]:
    """The two sequences in columns, and below them why they differ, each reason once; `width` 0: nothing is wrapped."""
    head = f"job {job}: what {name} sends on a good night with two VMs, and what snapall sends"
    reasons = dict.fromkeys(one.why for one in rows if one.why)
    letters = dict(zip(reasons, ascii_lowercase, strict=False))  # there are about ten
    cells = [(str(one.line or ""), one.batch, one.snapall, letters.get(one.why, "")) for one in rows]
    table = table_lines(("line", name, "snapall", "why"), cells, width, right=("line",))
    below = [line for why, letter in letters.items() for line in labelled(f"  {letter}  ", why, width)]
    why = "why they differ, by the numbers in docs/differences.md (`snapall docs` writes it out):"
    return [*indented(head, width), *table, *indented(why, width), *below]

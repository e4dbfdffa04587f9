"""What a month came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What a month came to."""

    month: str
    nights: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    crashes: int = 0
    settled: int = 0
    left: int = 0  # mornings on which a VM was still quiesced, as a journal says
    lost: int = 0  # backups that are gone though nothing newer replaces them: paper order's oldest
    uses: Counter[tuple[str, bool]] = field(default_factory=Counter)  # commands, and whether they succeeded
    verified: int = 0  # LUNs that were cloned to be read
    updates: int = 0  # of mirror and vault
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count how backups were used in another month, too."""
        self.uses += other.uses
        self.verified += other.verified
        self.updates += other.updates

    def line(self) -> str:
        named = {0: "whole", 3: "partial", 1: "failed", 130: "stopped", 5: "outstanding"}
        events = ", ".join(f"{self.codes.get(code, 0)} {name}" for code, name in named.items())
        return (
            f"{self.month}: {self.nights:2} nights, {events}, {self.crashes} crashes, {self.settled} runs settled, "
            f"{self.left} mornings with a VM left, {self.lost} backups lost; {self.used()}"
        )

    def used(self) -> str:
        """How backups were used: commands that succeeded, of all of their kind."""
        kinds = ("mount", "unmount", "restore")
        parts = [f"{self.uses[one, True]} of {self.uses[one, True] + self.uses[one, False]} {one}s" for one in kinds]
        return ", ".join([*parts, f"{self.verified} LUNs verified", f"{self.updates} updates of mirror and vault"])

"""The proofs that a backup can be read, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from snapall.restore.proof.proofs import Proof
from snapall.views.json_root import picked
from snapall.views.messages import safe


def proof_lines(proofs: Sequence[Proof]) -> list[str]:
    """Each VM with what its last check found: `sql01 (vm-611): readable on 22 Mar 2007, in 42 s`."""
    return [safe(f"{one.name}: {one.text}") for one in proofs]


def proof_cell(proofs: Sequence[Proof]) -> str:
    """The same counted: `3 readable, 1 damaged`."""
    counted = Counter(str(one.found) for one in proofs)
    return ", ".join(f"{count} {found}" for found, count in sorted(counted.items(), reverse=True)) or "-"


def proofs_json(proofs: Sequence[Proof]) -> list[dict[str, object]]:
    """The same for programs."""
    names = ("vm", "name", "luns", "snapshot", "date", "run", "checked", "seconds", "found", "way", "problems")
    return [picked(one, *names) for one in proofs]

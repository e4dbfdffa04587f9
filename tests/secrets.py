"""The parts of a password that must not be found anywhere."""

from __future__ import annotations

from urllib.parse import quote

LEAST = 4
"""Characters of the shortest part that counts: fewer are found in any text."""


def parts_of(password: str) -> set[str]:
    """Every part of a password, as it is and as a URL writes it."""
    written = (password, quote(password, safe=""))
    return {one[at : at + LEAST] for one in written for at in range(len(one) - LEAST + 1)}

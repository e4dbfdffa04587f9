"""The paper's batch with its values filled in, and copies of it that sites have edited."""

from __future__ import annotations

from pathlib import Path

from snapall.batch import batch_of

BATS = Path(__file__).parent.parent / "fixtures" / "bat"
FILLED = (BATS / "filled.bat").read_bytes()


def filled(*changes: tuple[str, str]) -> bytes:
    """The filled batch with some text replaced, which must be there."""
    text = FILLED.decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def faults(data: bytes) -> list[str]:
    return batch_of(data, {}).told()

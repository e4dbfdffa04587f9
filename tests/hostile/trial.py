"""Gives a reader many inputs, the same ones for the same seed."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.hostile.reader import Reader


@dataclass(frozen=True, slots=True)
class Result:
    """How it went. `failure` is "" when every input was read, or refused by an error of the contract."""

    inputs: int
    refused: int
    seconds: float
    failure: str


def tried(reader: Reader, inputs: int, number: int, folder: Path) -> Result:
    """Try a reader on so many inputs; the smallest one that breaks it is in `failure`."""
    counts: Counter[str] = Counter()

    def one(given_: Any) -> None:
        counts["inputs"] += 1
        try:
            reader.read(given_, folder)
        except reader.expected:
            counts["refused"] += 1

    phases = (Phase.generate, Phase.shrink)
    quiet = settings(
        max_examples=inputs, database=None, deadline=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    began, failure = time.monotonic(), ""
    try:
        seed(number)(quiet(given(reader.inputs)(one)))()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        failure = " / ".join(_lines(error))[:2000]
    return Result(counts["inputs"], counts["refused"], time.monotonic() - began, failure)


def _lines(error: BaseException) -> list[str]:
    """The error, those that it is made of, and where each came up."""
    within = [line for one in getattr(error, "exceptions", ()) for line in _lines(one)]
    at = traceback.extract_tb(error.__traceback__)[-1]
    notes = [note for note in getattr(error, "__notes__", ()) if "given_" in note]
    return [f"{type(error).__name__}: {error} ({Path(at.filename).name}:{at.lineno})", *notes, *within]

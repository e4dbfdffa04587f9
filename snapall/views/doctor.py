"""`doctor` in words and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.operate.doctor.checklist import CheckResult, Mark
from snapall.views import messages
from snapall.views.json_root import root

_NARROW = 60


def doctor_lines(results: Sequence[CheckResult], width: int) -> list[str]:
    """One line for each check, its remedy below it, and the counts. `width` 0: nothing is wrapped."""
    lines: list[str] = []
    room = max((len(one.name) for one in results), default=0)
    narrow = 0 < width < _NARROW
    for one in results:
        name = f"{one.name}:" if narrow else f"{one.name:<{min(room, 32)}} "
        line = messages.safe(f"{f'[{one.mark}]':<11} {name} {one.text}".rstrip())
        lines += messages.wrapped(line, width or 10_000)
        if one.remedy:
            lines += messages.wrapped(messages.safe(f"    remedy: {one.remedy}"), width or 10_000)
    return [*lines, "", _sum(results)]


def _sum(results: Sequence[CheckResult]) -> str:
    broken, warned, untried = (
        sum(one.mark is mark for one in results) for mark in (Mark.FAILURE, Mark.WARNING, Mark.NOT_TRIED)
    )
    if not broken and not warned:
        return f"no problems: {len(results)} checks"
    parts = [_counted(broken, "problem"), _counted(warned, "warning")] + ([f"{untried} not tried"] if untried else [])
    return ", ".join(parts) + ("" if broken else "; a backup can be taken")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def doctor_json(results: Sequence[CheckResult]) -> dict[str, object]:
    """For programs."""
    return root(
        well=not any(one.mark is Mark.FAILURE for one in results),
        links=[
            {"link": one.check, "of": one.of or None, "mark": one.mark, "text": one.text, "remedy": one.remedy or None}
            for one in results
        ],
    )

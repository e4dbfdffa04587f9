"""`doctor` in words and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.operate.doctor.checklist import CheckResult, Mark
from snapall.views.json_root import picked, root
from snapall.views.tables import labelled, wrapped

_NARROW = 60  # columns below which names are not aligned


def doctor_lines(results: Sequence[CheckResult], width: int) -> list[str]:
    """One line for each check, its remedy below it, and the counts. `width` 0: nothing is wrapped."""
    lines: list[str] = []
    room = min(32, max((len(one.name) for one in results), default=0))
    for one in results:
        mark = f"[{one.mark}]"
        if 0 < width < _NARROW:
            lines += wrapped(f"{mark} {one.name}: {one.text}", width)
        else:
            lines += labelled(f"{mark:<11} {one.name:<{room}}  ", one.text, width)
        lines += labelled("    remedy: ", one.remedy, width) if one.remedy else []
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
    """The same for programs."""
    return root(
        well=not any(one.mark is Mark.FAILURE for one in results),
        links=[
            picked(one, "mark", "text") | {"link": one.check, "of": one.of or None, "remedy": one.remedy or None}
            for one in results
        ],
    )

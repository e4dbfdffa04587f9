"""`audit` in words and for programs."""

from __future__ import annotations

from snapall.operate.audit import Audit
from snapall.operate.findings import Comparison
from snapall.views import messages
from snapall.views.json_root import root
from snapall.views.reports import columns_of


def audit_lines(found: Audit, width: int) -> list[str]:
    """The chain side by side, then what was found, each with its remedy. `width` 0: nothing is wrapped."""
    head = ("job", "volume", "name", "snap list", "journal")
    lines = columns_of(head, [(job, *_cells(one)) for job, one in found.comparisons]) if found.comparisons else []
    lines += [""] if lines else []
    for one in found.findings:
        of = f" (job {one.job})" if one.job else ""
        mark = "note" if one.kind.informational else "!"
        lines += messages.wrapped(messages.safe(f"{mark} {one.kind}{of}: {one.text}"), width or 10_000)
        lines += messages.wrapped(messages.safe(f"    remedy: {one.remedy}"), width or 10_000)
    if found.clean:
        noted = f", {len(found.findings)} noted" if found.findings else ""
        lines.append(f"journal, database and snap list agree{noted}")
    else:
        grave = sum(not one.kind.informational for one in found.findings)
        lines.append(f"{grave} found, {len(found.findings) - grave} noted")
    return lines


def _cells(one: Comparison) -> tuple[str, str, str, str]:
    tags = f" ({','.join(one.row.tags)})" if one.row is not None and one.row.tags else ""
    listed = f"{one.row.date}{tags}" if one.row is not None else "not there"
    known = f"{one.origin.run}, {one.origin.label}" if one.origin is not None else "not known"
    return one.volume, one.name, listed, known


def audit_json(found: Audit) -> dict[str, object]:
    """For programs."""
    return root(
        clean=found.clean,
        findings=[
            {
                "kind": one.kind.name.lower(),
                "noted": one.kind.informational,
                "job": one.job or None,
                "text": one.text,
                "remedy": one.remedy,
            }
            for one in found.findings
        ],
        side_by_side=[
            {
                "job": job,
                "volume": one.volume,
                "name": one.name,
                "date": one.row.date if one.row is not None else None,
                "tags": list(one.row.tags) if one.row is not None else [],
                "run": one.origin.run if one.origin is not None else None,
                "grade": one.origin.label if one.origin is not None else None,
            }
            for job, one in found.comparisons
        ],
    )

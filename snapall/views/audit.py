"""`audit` in words and for programs."""

from __future__ import annotations

from snapall.operate.audit import Audit
from snapall.operate.findings import Comparison
from snapall.views.json_root import picked, root
from snapall.views.tables import labelled, table_lines, wrapped


def audit_lines(found: Audit, width: int) -> list[str]:
    """The retained backups side by side, then each finding with its remedy. `width` 0: nothing is wrapped."""
    head = ("job", "volume", "name", "snap list", "journal")
    rows = [(job, *_cells(one)) for job, one in found.comparisons]
    lines = [*table_lines(head, rows, width), ""] if rows else []
    for one in found.findings:
        of = f" (job {one.job})" if one.job else ""
        lines += wrapped(f"{'note' if one.kind.informational else '!'} {one.kind}{of}: {one.text}", width)
        lines += labelled("    remedy: ", one.remedy, width)
    grave = sum(not one.kind.informational for one in found.findings)
    noted = len(found.findings) - grave
    if found.clean:
        return [*lines, f"journal, database and snap list agree{f'; notes: {noted}' if noted else ''}"]
    return [*lines, f"problems: {grave}, notes: {noted}"]


def _cells(one: Comparison) -> tuple[str, str, str, str]:
    tags = f" ({','.join(one.row.tags)})" if one.row is not None and one.row.tags else ""
    listed = f"{one.row.date}{tags}" if one.row is not None else "not there"
    known = f"{one.origin.run}, {one.origin.label}" if one.origin is not None else "not known"
    return one.volume, one.name, listed, known


def audit_json(found: Audit) -> dict[str, object]:
    """The same for programs."""
    return root(
        clean=found.clean,
        findings=[
            {"kind": one.kind.name.lower(), "noted": one.kind.informational, "job": one.job or None}
            | picked(one, "text", "remedy")
            for one in found.findings
        ],
        side_by_side=[_beside_json(job, one) for job, one in found.comparisons],
    )


def _beside_json(job: str, one: Comparison) -> dict[str, object]:
    row, origin = one.row, one.origin
    return {
        "job": job,
        "volume": one.volume,
        "name": one.name,
        "date": row.date if row is not None else None,
        "tags": list(row.tags) if row is not None else [],
        "run": origin.run if origin is not None else None,
        "grade": origin.label if origin is not None else None,
    }

"""`status` for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from snapall.errors import coded
from snapall.operate.run_history import RunHistory
from snapall.operate.status import JobStatus
from snapall.views import messages
from snapall.views.columns import labelled
from snapall.views.json_root import picked, root


def status_lines(found: Sequence[JobStatus], width: int = 0) -> list[str]:
    """Each job with its newest backup, its last run, its window, what is outstanding, what is wrong.

    `width` 0: nothing is wrapped.
    """
    lines: list[str] = []
    for one in found:
        lines += [""] if lines else []
        lines.append(messages.safe(f"{one.job.name}: {one.level.name}"))
        for name, text in _facts(one):
            lines += labelled(f"  {name:<13}  ", text, width)
    return lines


def _facts(one: JobStatus) -> Iterator[tuple[str, str]]:
    yield "newest backup", f"{_backup(one)}; at most {one.job.max_age / 3600:g} h"
    yield "last run", _last(one.last)
    if one.at_work:
        yield "now", f"{one.at_work} is at work"
    if one.backup is not None and one.backup.window is not None:
        yield "window", f"VMs quiesced for {messages.clocked(one.backup.window)}"
    if one.pending:
        yield "pending", f"{one.pending} confirmed, not published yet"
    if one.unproved is not None:
        yield "proofs", f"VMs without a recent proof: {len(one.unproved)}"
    for replica in one.replicas:
        behind = "unknown" if replica.lag is None else f"{messages.aged(replica.lag)} behind, as last seen"
        yield "replica", f"{replica.destination}: {behind}"
    nothing = "unknown: a journal cannot be read" if one.hidden else "nothing"
    yield "outstanding", ", ".join(one.left) or nothing
    yield from ((finding.level.name, coded(finding.code, finding.text)) for finding in one.findings)


def _backup(one: JobStatus) -> str:
    if one.backup is None or one.backup.backup is None or one.age is None:
        return "none"
    return f"{one.backup.backup.label}, {messages.aged(one.age)} old, run {one.backup.stamp}"


def _last(run: RunHistory | None) -> str:
    if run is None:
        return "none"
    began = f"{run.began.astimezone():%a %d %b %H:%M %Z}"
    how = messages.exit_of(run.exit) if run.exit is not None else "died before its report"
    return f"{run.stamp}, {began}: {how}"


def status_json(found: Sequence[JobStatus]) -> dict[str, object]:
    """The same for programs. Durations are seconds; null is unknown."""
    jobs = [
        picked(one, "age", "left", "watched", "pending", "unproved")
        | {"job": one.job.name, "level": one.level.name, "max_age": one.job.max_age, "at_work": one.at_work or None}
        | {"findings": [{"level": each.level.name} | picked(each, "text", "code") for each in one.findings]}
        | {"replicas": [picked(each, "destination", "lag", "failure") for each in one.replicas]}
        | {"backup": _run_json(one.backup), "last": _run_json(one.last)}
        for one in found
    ]
    return root(jobs=jobs)


def _run_json(run: RunHistory | None) -> dict[str, object] | None:
    if run is None:
        return None
    grade = run.backup.label if run.backup is not None else None
    members = picked(run, "began", "ended", "exit", "captured", "window", "quiesced")
    return {"run": run.stamp, "grade": grade, "asked": len(run.targets)} | members

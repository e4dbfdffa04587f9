"""`plan`: a summary, then every command in order with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from snapall.backup.plan import Look, Plan, Planned
from snapall.backup.steps import Delete, Step
from snapall.errors import coded
from snapall.views.columns import labelled, wrapped
from snapall.views.messages import clocked


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run of a job would do now: the cleanup that is due first, then its plan.

    `command` gives the command line of an action. `parallel`: calls at a time. `window`: seconds from the first quiesce
    to the last release, judging by the last nights; None: unknown.
    """

    first: tuple[Planned, ...]
    plan: Plan
    command: Callable[[Step | Look], str]
    parallel: int
    window: float | None = None

    @property
    def actions(self) -> tuple[Planned, ...]:
        """All commands in order."""
        return (*self.first, *self.plan.actions)


def plan_lines(outlook: Outlook, width: int) -> list[str]:
    """The plan for people: a summary, a heading for each stage, each command with its reason below it.

    `width` 0: nothing is wrapped.
    """
    plan = outlook.plan
    head = wrapped(f"job {plan.job.name}, order {plan.job.order}: what `snapall run` would do now", width)
    facts = [part for name, text in _summary(outlook) for part in labelled(f"  {name:<9} ", text, width)]
    lines: list[str] = []
    stage = None
    for one in outlook.actions:
        if one.stage is not stage:
            stage = one.stage
            lines += ["", str(stage)]
        lines += [f"  {outlook.command(one.action)}", f"      # {one.reason}"]
    left_out = [f"  {vm.label}: {why}" for vm, why in plan.left] + [f"  {vm.label}: skipped" for vm in plan.skipped]
    lines += ["", "not quiesced", *left_out] if left_out else []
    warnings = [(f"  {coded(one.code, one.text)}", f"      remedy: {one.hint}") for one in plan.warnings]
    lines += ["", "warnings", *(line for pair in warnings for line in pair)] if warnings else []
    return [*head, *facts, *(part for line in lines for part in wrapped(line, width, _indent(line) + 4))]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _summary(outlook: Outlook) -> list[tuple[str, str]]:
    plan, job = outlook.plan, outlook.plan.job
    left = f", {len(plan.left)} that cannot be quiesced" if plan.left else ""
    skipped = f", {len(plan.skipped)} skipped" if plan.skipped else ""
    window = "unknown: too few runs on record"
    if outlook.window is not None:
        window = f"VMs quiesced for about {clocked(outlook.window)}, judging by the last runs"
    deleted = [step.name for step in plan.rotation.steps if isinstance(step, Delete)]
    changing = sum(not isinstance(one.action, Look) for one in outlook.actions)
    facts = {
        "filer": f"{job.filer}, volume {', '.join(job.volumes)}",
        "VMs": f"{len(plan.targets)} to quiesce, {outlook.parallel} at a time{left}{skipped}",
        "window": window,
        "commands": f"{changing} that change something, {len(outlook.actions) - changing} that only read",
        "cleanup": f"first, {len(outlook.first)} commands for earlier runs" if outlook.first else "",
        "deletes": ", ".join(dict.fromkeys(deleted)),
        "waits for": str(plan.rotation.blocked) if plan.rotation.blocked is not None else "",
        "VM order": plan.ordering,
    }
    return [(name, text) for name, text in facts.items() if text]


def plan_json(outlook: Outlook) -> dict[str, object]:
    """The plan of one job for programs."""
    plan = outlook.plan
    return {
        "job": plan.job.name,
        "order": str(plan.job.order),
        "vms": len(plan.targets),
        "parallel": outlook.parallel,
        "window": outlook.window,
        "commands": [
            {
                "stage": str(one.stage),
                "changing": not isinstance(one.action, Look),
                "command": outlook.command(one.action),
                "reason": one.reason,
            }
            for one in outlook.actions
        ],
        "not_quiesced": [{"vm": vm.moref, "name": vm.name, "why": why} for vm, why in plan.left],
        "skipped": [vm.moref for vm in plan.skipped],
        "ordering": plan.ordering or None,
        "blocked": str(plan.rotation.blocked) if plan.rotation.blocked is not None else None,
        "warnings": [one.text for one in plan.warnings],
    }

"""What the next run, recover and the guardian share when they settle an earlier run."""

from __future__ import annotations

from dataclasses import replace

from snapall.backup.actions import Policy
from snapall.backup.case import Case
from snapall.backup.context import RunContext, guarded
from snapall.backup.facts import Began, Ended, Failed, Warned
from snapall.backup.record import OutstandingFound, Record
from snapall.backup.report import alarming
from snapall.backup.runstate import RunState
from snapall.backup.state import apply
from snapall.backup.summary import summarize
from snapall.errors import Exit


def sweep_policy(began: Began, context: RunContext) -> Policy:
    """The policy of a run for what an earlier one left: release at once, and wait for nothing."""
    return reach(began, context, Policy(linger=False))


def reach(began: Began, context: RunContext, policy: Policy) -> Policy:
    """Restrict a policy to the configured systems: elsewhere a moref or a name belongs to something else."""
    return replace(policy, vms=began.vcenter == context.site.vcenter, filer=began.filer == context.site.filer)


def announce(case: Case) -> None:
    """Publish what an earlier run may have left, and what the configuration cannot reach."""
    began, site = case.state.header, case.context.site
    for one in case.state.outstanding:
        case.context.publish(OutstandingFound(one.vm, one.name, began.stamp))
    if case.state.outstanding and not case.policy.vms:
        labels = ", ".join(one.vm.label for one in case.state.outstanding)
        case.context.publish(
            Failed(
                f"the run {began.stamp} may have left {labels} quiesced on VirtualCenter {began.vcenter}, "
                f"but the configuration names {site.vcenter}",
                f"run `snapall recover` with a configuration whose vcenter.host is {began.vcenter}",
                "SA-1402",
            )
        )
    if case.state.filer_outstanding and not case.policy.filer:
        case.context.publish(
            Failed(
                f"the run {began.stamp} left unfinished snapshots on filer {began.filer}, "
                f"but the configuration names {site.filer}",
                f"run `snapall recover` with a configuration that has {began.filer} as its filer's host",
                "SA-1403",
            )
        )


def settled_code(state: RunState) -> Exit:
    """The exit code for a settled run."""
    if state.given_up or alarming(state):
        return Exit.OUTSTANDING
    return Exit.PARTIAL if state.outstanding else Exit.OK


def close(case: Case, code: Exit, text: str, hint: str = "") -> None:
    """Write a report that sums up the run. Outstanding work keeps the run open."""
    report = Ended(int(code), case.state.open, text)
    with guarded(lambda *parts: case.context.publish(Warned(*parts))):  # the exit code must not depend on it
        summary = summarize(apply(case.state, Record(case.context.clock.utc(), report)))
        report = replace(report, summary=summary, length=case.journal.size)
    case.record(report)
    if case.journal.broken and not case.journal.lost:
        hint = hint or "the next run, or `snapall recover`, checks again what could not be written down"
        case.context.publish(Warned(case.journal.broken, hint, "SA-1406"))

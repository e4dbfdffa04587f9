"""The certificate of a run: for each VM, whether the capture lies between its quiesce and its release. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.backup.debts import standing
from snapall.backup.facts import (
    NOT_QUIESCED,
    QUIESCED,
    SKIPPED,
    Answered,
    Certified,
    Found,
    Intent,
    Noted,
    Proven,
    Unheld,
    Unregistered,
    Verdict,
)
from snapall.backup.plan import Plan
from snapall.backup.provenance import grade
from snapall.backup.steps import Capture, Done, Quiesce, Release, Step, Unknown


def certify(plan: Plan, facts: Sequence[Noted]) -> Certified:
    """Judge every VM of the plan by the order of what was noted."""
    late = any(isinstance(noted.fact, Proven) and noted.fact.late for noted in facts) or not standing(facts)
    reasons = _reasons(facts)
    verdicts = []
    for vm in plan.asked:
        why = reasons.get(vm.id, "it was not asked for")
        if not why and late:
            why = "the filer's snapshot was not seen before the release"
        verdicts.append(Verdict(vm, NOT_QUIESCED if why else QUIESCED, why))
    verdicts += [Verdict(vm, NOT_QUIESCED, why) for vm, why in plan.left]
    quiesced = sum(one.state == QUIESCED for one in verdicts)
    result = grade(quiesced, len(verdicts))
    verdicts += [Verdict(vm, SKIPPED) for vm in plan.skipped]
    return Certified(result, tuple(sorted(verdicts, key=lambda one: one.vm.id)))


def _reasons(facts: Sequence[Noted]) -> dict[int, str]:
    """For each VM that was asked for, why it does not count as quiesced; "" when it does."""
    steps: dict[int, Step] = {}
    reasons: dict[int, str] = {}
    claimed: set[int] = set()
    captured = False
    for noted in facts:
        match noted.fact:
            case Intent(n, step):
                steps[n] = step
                captured = captured or isinstance(step, Capture)
                if isinstance(step, Quiesce):
                    reasons[step.vm.id] = "vcbsnapshot did not answer in time"
                if isinstance(step, Release):
                    claimed.discard(step.vm.id)  # what is found from now on was not seen before its release
            case Answered(n, outcome) if not captured and isinstance(quiesce := steps.get(n), Quiesce):
                reasons[quiesce.vm.id] = "" if isinstance(outcome, Done) else outcome.why
                if isinstance(outcome, Unknown) and outcome.claimed:
                    claimed.add(quiesce.vm.id)
            case Found(vm) if vm in claimed:
                reasons[vm] = ""
            case Unheld(vm):
                reasons[vm] = "its snapshot had been removed by somebody else before the release"
            case Unregistered(vm):
                reasons[vm] = "it was unregistered from VirtualCenter before its release"
            case _:
                pass
    return reasons

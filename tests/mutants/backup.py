"""Mutants of a run up to its release, each named by what it does wrong: caught by a site's ledger."""

from __future__ import annotations

from tests.mutants.planting import Mutant

ENGINE, BELIEF = ("tests/backup/test_engine.py",), ("tests/backup/test_untrue_answers.py",)
INTERPLAY, FAULTS = ("tests/backup/test_interplay.py",), ("tests/backup/test_faults.py",)
DECIDE = ("tests/backup/test_decide.py",)
SCHEDULE, ORDER = ("tests/backup/test_schedule.py",), ("tests/backup/test_order.py",)


def forgotten(answers: str) -> str:
    """What takes these answers to a `snap create` for none at all."""
    return (
        "    if one.phase is not CapturePhase.ASKED:\n        return one\n"
        f"    if {answers}:\n"
        '        lost = replace(one.calls[-1], outcome=Unknown("no answer"))\n'
        "        return replace(one, phase=CapturePhase.SILENT, calls=(*one.calls[:-1], lost))\n"
    )


BACKUP = (
    # The capture
    Mutant(
        "a capture is trusted because the filer reported success",
        "backup/changes_filer.py",
        "        case Done() | Unknown():\n            return replace(one, phase=CapturePhase.ANSWERED)\n",
        "        case Done() | Unknown():\n            return replace(one, phase=CapturePhase.CONFIRMED)\n",
        BELIEF,
    ),
    Mutant(
        "a capture that was answered is sent again",
        "backup/changes_filer.py",
        "    if one.phase is not CapturePhase.ASKED:\n        return one\n",
        forgotten("isinstance(outcome, Done)"),
        BELIEF,
    ),
    Mutant(
        "a capture with an unknown answer is sent again",
        "backup/changes_filer.py",
        "    if one.phase is not CapturePhase.ASKED:\n        return one\n",
        forgotten("isinstance(outcome, Unknown) and not outcome.failed"),
        BELIEF,
    ),
    Mutant(
        "a capture that the filer denied is sent again",
        "backup/changes_filer.py",
        "    if one.phase is not CapturePhase.ASKED:\n        return one\n",
        forgotten("isinstance(outcome, Unknown) and outcome.failed"),
        BELIEF,
    ),
    Mutant(
        "a capture whose answer was lost is given up",
        "backup/decide_capture.py",
        "MOST_CREATES = 2 ",
        "MOST_CREATES = 1 ",
        ENGINE,
    ),
    Mutant(
        "an unanswered capture is sent without end",
        "backup/decide_capture.py",
        "MOST_CREATES = 2 ",
        "MOST_CREATES = 4 ",
        ENGINE,
    ),
    Mutant(
        "a capture confirmed after the signal counts",
        "backup/state.py",
        "called_off=state.called_off or not state.confirmed)",
        "called_off=state.called_off)",
        INTERPLAY,
    ),
    Mutant(
        "a capture of one of two volumes is a backup",
        "backup/runstate.py",
        "        return self.began is not None and all(\n",
        "        return self.began is not None and any(\n",
        BELIEF,
    ),
    Mutant(
        "a list from before the capture confirms it",
        "backup/decide_filer.py",
        "    return known is not None and known.version >= since\n",
        "    return known is not None\n",
        (*BELIEF, *ENGINE),
    ),
    Mutant(
        "the capture is taken without a VM that must be in it",
        "backup/decide.py",
        "    if not missing or (not hopeless and",
        "    if len(missing) < 2 or (not hopeless and",
        ENGINE,
    ),
    Mutant(
        "a VM that must be quiesced is not looked for before the capture",
        "backup/decide.py",
        "    if not missing or (not hopeless and _still_looking(state, now)):\n",
        "    if not missing:\n",
        ENGINE,
    ),
    Mutant(
        "quiescing goes on beyond max_quiesced",
        "backup/decide_vms.py",
        "    if not planned or (until is not None and now >= until):\n",
        "    if not planned:\n",
        ORDER,
    ),
    Mutant(
        "the capture waits for creates beyond max_quiesced",
        "backup/decide_vms.py",
        "    if until is not None and now >= until:\n        return True\n",
        "",
        FAULTS,
    ),
    Mutant(
        "more creates at a time than parallel",
        "backup/decide_vms.py",
        "    places = state.header.pace.parallel - sum(one.phase is VmPhase.ASKED for one in state.vms.values())\n",
        "    places = state.header.pace.parallel\n",
        DECIDE,
    ),
    Mutant(
        "the release waits for the filer for ever",
        "backup/decide.py",
        "    if state.captured_at is not None and now >= state.captured_at + timeout:\n",
        "    if state.captured_at is not None and now >= state.captured_at + 1000 * timeout:\n",
        DECIDE,
    ),
    Mutant(
        "a signal does not end the wait for the capture",
        "backup/decide.py",
        "    if state.stopped_at is not None:\n        return [ReleaseBegan",
        "    if state.stopped_at is not None and state.captured_at is None:\n        return [ReleaseBegan",
        DECIDE,
    ),
    Mutant(
        "a view that raises stops the run",
        "backup/context.py",
        "        with suppress(BaseException):",
        "        with suppress(Exception):",
        ENGINE,
    ),
    Mutant(
        "an answer that came after the capture counts as quiesced",
        "backup/changes_vms.py",
        "            early = state.captured_at is None\n",
        "            early = True\n",
        FAULTS,
    ),
    Mutant(
        "a snapshot that was first listed after the capture counts as quiesced",
        "backup/changes_vms.py",
        "    early = one.in_time or state.captured_at is None\n",
        "    early = True\n",
        ENGINE,
    ),
    Mutant(
        "a VM whose snapshot vanished counts as quiesced",
        "backup/certificate.py",
        '        return "its snapshot was removed by something else before the release"\n',
        '        return ""\n',
        ENGINE,
    ),
    Mutant(
        "a capture seen only after the release counts as quiesced",
        "backup/certificate.py",
        "    if may_be and one.removals and not one.after_capture:\n",
        "    if may_be and not one.removals and not one.after_capture:\n",
        ENGINE,
    ),
    Mutant(
        "the certificate does not wait to see whether there is a capture",
        "backup/decide.py",
        "    else:\n        filer.find_out(state, now, policy, draft)\n",
        "",
        FAULTS,
    ),
    # The plan
    Mutant(
        "a skipped VM is quiesced",
        "backup/plan.py",
        "            skipped.append(vm)\n            continue\n",
        "            skipped.append(vm)\n",
        ENGINE,
    ),
    Mutant(
        "a VM with 31 snapshots is quiesced",
        "backup/plan.py",
        "depth[vm.id] >= MOST_VM_SNAPSHOTS",
        "depth[vm.id] > MOST_VM_SNAPSHOTS",
        ENGINE,
    ),
    Mutant(
        "a volume without a free slot is captured",
        "backup/limits.py",
        "        if len(listing) > MOST_FILER_SNAPSHOTS:",
        "        if len(listing) > MOST_FILER_SNAPSHOTS + 1:",
        ENGINE,
    ),
    Mutant(
        "a VM that an earlier run may have left quiesced is quiesced again",
        "backup/plan.py",
        "        if vm.id in open_:\n",
        "        if vm.label in open_:\n",
        ("tests/backup/test_store.py",),
    ),
    Mutant(
        "an empty datastore beside one with VMs is no error",
        "backup/limits.py",
        "(survey.empty or not survey.vms)",
        "not survey.vms",
        ("tests/backup/test_promises.py",),
    ),
    Mutant(
        "VMs are quiesced in another order than the plan says",
        "backup/run.py",
        "            targets=plan.targets,\n",
        "            targets=plan.targets[::-1],\n",
        ORDER,
    ),
    Mutant(
        "VMs are released in another order than the plan says",
        "backup/decide_vms.py",
        "    order = state.surveyed.removals if state.surveyed is not None else ()\n",
        "    order: tuple[int, ...] = ()\n",
        ORDER,
    ),
    Mutant(
        "creates begin with the shortest",
        "backup/schedule.py",
        "(group[vm], -seconds[vm])",
        "(group[vm], seconds[vm])",
        SCHEDULE,
    ),
    Mutant(
        "the VMs that must be quiesced come last",
        "backup/schedule.py",
        "(vm not in must, vm not in missed)",
        "(vm in must, vm not in missed)",
        SCHEDULE,
    ),
    Mutant(
        "calls are ordered for the gain of a moment",
        "backup/schedule.py",
        "if seconds >= WORTH_SECONDS else",
        "if seconds >= 0 else",
        ORDER,
    ),
    Mutant(
        "a VM whose disks are not all known is left out",
        "backup/members.py",
        "    return False if place.whole else None\n",
        "    return False\n",
        ("tests/backup/test_members.py",),
    ),
    Mutant(
        "a VM that must be quiesced is left out",
        "backup/members.py",
        "seats[vm.id] is False and job.policies.of(vm) is VmPolicy.TRY",
        "seats[vm.id] is False",
        ("tests/backup/test_members.py",),
    ),
)

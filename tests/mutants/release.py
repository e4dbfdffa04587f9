"""Mutants of what is released, when, and what is concluded from a look: caught by a site's ledger."""

from __future__ import annotations

from tests.mutants.planting import Mutant

ENGINE, OUTCOMES = ("tests/backup/test_engine.py",), ("tests/backup/test_outcomes.py",)
SETTLE, FAULTS = ("tests/backup/test_settle.py",), ("tests/backup/test_faults.py",)
TAKEN_BACK, PROMISES = ("tests/backup/test_recover_interrupted.py",), ("tests/backup/test_promises.py",)
RECOVER, INTERPLAY = ("tests/backup/test_recover.py",), ("tests/backup/test_interplay.py",)

RELEASES = (
    # What may still act
    Mutant(
        "a create without an answer is given up at once",
        "backup/looks.py",
        "timedelta(seconds=state.header.pace.settle)\n    if not settled",
        "timedelta()\n    if not settled",
        ENGINE,
    ),
    Mutant(
        "recover does not stay until a late snapshot can no longer appear",
        "backup/decide_looks.py",
        "    elif policy.wait:\n        ends += _settled_by(state, one)\n",
        "",
        ENGINE,
    ),
    Mutant(
        "a vcbsnapshot that still runs is not waited for",
        "backup/running.py",
        "for n, child in look.programs if child is None or not site.alive(child))",
        "for n, child in look.programs)",
        ENGINE,
    ),
    Mutant(
        "a program that never ends is waited for without end",
        "backup/decide_looks.py",
        "    return [one.create.sent + seconds(pace.create_timeout + pace.settle)]\n",
        "    return [one.create.sent + seconds(1000 * (pace.create_timeout + pace.settle))]\n",
        SETTLE,
    ),
    Mutant(
        "unanswered commands are waited for by the clock of their dead run",
        "backup/changes.py",
        "        sent=min(call.sent, at),\n",
        "        sent=call.sent,\n",
        PROMISES,
    ),
    Mutant(
        "a dead run's call is waited for as if it could answer",
        "backup/changes.py",
        "        abandoned=call.abandoned or call.outcome is None,\n",
        "        abandoned=call.abandoned,\n",
        RECOVER,
    ),
    Mutant(
        "a look that began before a removal was answered shows that it worked",
        "backup/looks.py",
        "    if not mine and one.changed <= look.version:\n",
        "    if not mine:\n",
        ("tests/backup/test_looks.py",),
    ),
    # Whose snapshot it is
    Mutant(
        "several snapshots of a shared name are all taken for ours",
        "backup/looks.py",
        "    return named if len(named) == 1 else ()\n",
        "    return named\n",
        TAKEN_BACK,
    ),
    Mutant(
        "a snapshot that the survey listed is taken for ours",
        "backup/looks.py",
        "same_name(row.name, one.name) and row.ssid not in foreign]",
        "same_name(row.name, one.name)]",
        TAKEN_BACK,
    ),
    # Alarms
    Mutant(
        "with the database down nothing raises an alarm",
        "backup/report.py",
        "        return tuple(one for one in state.outstanding if not one.removed)\n",
        "        return ()\n",
        ENGINE,
    ),
    Mutant(
        "a quiesce reported as failed is an alarm",
        "backup/report.py",
        "    return tuple(one for one in state.outstanding if not one.watched)\n",
        "    return state.outstanding\n",
        ENGINE,
    ),
    Mutant(
        "a VM that cannot be released any more raises no alarm",
        "backup/report.py",
        "    if alarms or lost or before.unsettled:\n",
        "    if alarms or before.unsettled:\n",
        OUTCOMES,
    ),
    Mutant(
        "the run does not look once more at its end",
        "backup/decide.py",
        "    if done and policy.backup and looks.unseen_at_the_end(state):\n",
        "    if done and not policy.backup and looks.unseen_at_the_end(state):\n",
        (*ENGINE, *OUTCOMES, *FAULTS, *INTERPLAY),
    ),
    # Removals
    Mutant(
        "a removal that never works is sent without end",
        "backup/decide_vms.py",
        "TRIES = 3 ",
        "TRIES = 30 ",
        OUTCOMES,
    ),
    Mutant(
        "a removal in the way of another task is given up",
        "backup/decide_vms.py",
        "BUSY = 960.0\n",
        "BUSY = 0.0\n",
        OUTCOMES,
    ),
    Mutant(
        "the pauses between removals do not grow",
        "backup/decide_vms.py",
        "    pause = min(2.0 ** (len(mine) - 2), LONGEST_PAUSE) if len(mine) > 1 else 0.0\n",
        "    pause = 1.0\n",
        OUTCOMES,
    ),
    Mutant(
        "a VM's second removal goes before the first of another",
        "backup/decide_vms.py",
        "sorted(waiting, key=lambda one: len(one.removals))",
        "sorted(waiting, key=lambda one: -len(one.removals))",
        ("tests/backup/test_decide.py",),
    ),
    Mutant(
        "a removal that was answered is sent again by the next look",
        "backup/decide_vms.py",
        "    if sent and not listed and state.database is None:\n        return None\n",
        "",
        (*SETTLE, *OUTCOMES),
    ),
    Mutant(
        "an answered removal is the end of it, whatever the database lists",
        "backup/decide_vms.py",
        "        return None if one.removed and not listed else calls[-1].sent\n",
        "        return None if one.removed else calls[-1].sent\n",
        SETTLE,
    ),
    Mutant(
        "only the first of a VM's snapshots is removed",
        "backup/decide_vms.py",
        "    for ssid in one.ids:\n        calls",
        "    for ssid in one.ids[:1]:\n        calls",
        SETTLE,
    ),
    Mutant(
        "a row that vanished needs no removal",
        "backup/looks.py",
        "    if any(all(isinstance(call.outcome, Refusal) for call in one.removals_of(ssid)) for ssid in one.ids):\n",
        "    if not one.listed and any(not one.removals_of(ssid) for ssid in one.ids):\n",
        SETTLE,
    ),
    Mutant(
        "a removal that was answered 'already deleted' counts as ours",
        "backup/changes_vms.py",
        "vanished=one.vanished or (outcome.already and len(one.tried) == 1))",
        "vanished=one.vanished)",
        OUTCOMES,
    ),
    Mutant(
        "a removal that was never sent counts as tried",
        "backup/phases.py",
        "        return tuple(call for call in self.removals if not isinstance(call.outcome, Refusal))\n",
        "        return self.removals\n",
        OUTCOMES,
    ),
    # VMs that come and go
    Mutant(
        "a VM that moved is taken for one that is gone",
        "backup/looks.py",
        "one.vm.id not in look.registered and (one.tried",
        "look.hosts.get(one.vm.id) != one.vm.host and (one.tried",
        OUTCOMES,
    ),
    Mutant(
        "a VM missing from the database is given up before its id was tried",
        "backup/looks.py",
        " and (one.tried or not one.ids):\n",
        ":\n",
        OUTCOMES,
    ),
    Mutant(
        "a VM that VirtualCenter no longer knows is dropped silently",
        "backup/changes_vms.py",
        "    given_up = state.given_up if known.watched else (*state.given_up, known)\n",
        "    given_up = state.given_up\n",
        OUTCOMES,
    ),
)

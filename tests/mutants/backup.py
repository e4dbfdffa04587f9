"""Mutants of a run's behaviour up to the release, each named by what it does wrong: caught by a site's ledger."""

from __future__ import annotations

from tests.mutants.planting import Mutant

FILER = ("tests/backup/test_belief.py", "tests/backup/test_engine.py", "tests/backup/test_promises.py")
VMS = ("tests/backup/test_outcomes.py", "tests/backup/test_engine.py", "tests/backup/test_belief.py")
RUNS = (*FILER, "tests/backup/test_outcomes.py", "tests/backup/test_recover.py", "tests/backup/test_interplay.py")
AFTER = ("tests/backup/test_taken_back.py", "tests/backup/test_recover.py", "tests/backup/test_flights.py", *FILER)

BACKUP = (
    Mutant(
        "lines that were lost in the middle of a journal go unnoticed",
        "backup/readback.py",
        "    if any(number_of(one.what) and not is_intent(one.what)",
        "    if False and any(number_of(one.what) and not is_intent(one.what)",
        ("tests/backup/test_journal.py",),
    ),
    # The capture
    Mutant(
        "a capture is believed because the filer said so",
        "backup/prove.py",
        "        row = self._read(volume)\n        if row is None and unanswered",
        '        row = self._read(volume) or (None if unanswered else FilerSnapshot(self._plan.capture, ""))\n'
        "        if row is None and unanswered",
        FILER,
    ),
    Mutant(
        "a capture that was answered is sent again",
        "backup/prove.py",
        "row is None and unanswered and not",
        "row is None and not",
        FILER,
    ),
    Mutant(
        "a capture answered in unknown words is sent again",
        "backup/prove.py",
        "            case Done(said) | Unknown(said=said):\n",
        "            case Unknown():\n                return False\n            case Done(said):\n",
        FILER,
    ),
    Mutant(
        "a capture whose answer was lost is given up",
        "backup/prove.py",
        "and unanswered and not self._over()",
        "and unanswered and self._over()",
        FILER,
    ),
    Mutant(
        "a capture confirmed after the signal counts",
        "backup/prove.py",
        "            late = self._over()\n",
        "            late = False\n",
        RUNS,
    ),
    Mutant(
        "a capture of one of two volumes is a backup",
        "backup/engine.py",
        "        return {volume for volume, _ in standing(self.journal.facts)} == set(self.job.volumes)\n",
        "        return bool(standing(self.journal.facts))\n",
        FILER,
    ),
    Mutant(
        "the capture is taken without a VM that must be in it",
        "backup/engine.py",
        "        if missing:\n",
        "        if len(missing) > 1:\n",
        FILER,
    ),
    Mutant(
        "quiescing goes on beyond max_quiesced",
        "backup/engine.py",
        "            return self._over() or clock.monotonic() >= end\n",
        "            return self._over()\n",
        FILER,
    ),
    Mutant(
        "the release waits for the filer for ever",
        "backup/engine.py",
        "        ended = self._capturing.wait(lambda: self.means.stopped() or late())\n",
        "        ended = self._capturing.wait(self.means.stopped)\n",
        RUNS,
    ),
    Mutant(
        "a signal does not end the wait for the capture",
        "backup/engine.py",
        "        ended = self._capturing.wait(lambda: self.means.stopped() or late())\n",
        "        ended = self._capturing.wait(late)\n",
        RUNS,
    ),
    Mutant(
        "a view that raises stops the run",
        "backup/means.py",
        "        with suppress(BaseException):",
        "        with suppress(Exception):",
        FILER,
    ),
    # The grade
    Mutant(
        "an answer that came after the capture counts as quiesced",
        "backup/certificate.py",
        "if not captured and isinstance(quiesce",
        "if isinstance(quiesce",
        RUNS,
    ),
    Mutant(
        "a VM whose snapshot vanished counts as quiesced",
        "backup/certificate.py",
        '                reasons[vm] = "its snapshot had been removed by somebody else before the release"\n',
        '                reasons[vm] = ""\n',
        RUNS,
    ),
    Mutant(
        "a capture seen only after the release counts as quiesced",
        "backup/certificate.py",
        "        if not why and late:\n",
        "        if why and late:\n",
        FILER,
    ),
    Mutant(
        "a skipped VM is quiesced",
        "backup/plan.py",
        "            skipped.append(vm)\n            continue\n",
        "            skipped.append(vm)\n",
        FILER,
    ),
    Mutant(
        "a VM with 31 snapshots is quiesced",
        "backup/plan.py",
        "depth[vm.id] >= MOST_VM_SNAPSHOTS",
        "depth[vm.id] > MOST_VM_SNAPSHOTS",
        FILER,
    ),
    Mutant(
        "a volume without a free slot is captured",
        "backup/plan.py",
        "        if len(listing) > MOST_FILER_SNAPSHOTS:",
        "        if len(listing) > MOST_FILER_SNAPSHOTS + 1:",
        FILER,
    ),
    Mutant(
        "a VM that an earlier run may have left quiesced is quiesced again",
        "backup/plan.py",
        "        if vm.id in open_:\n",
        "        if vm.label in open_:\n",
        FILER,
    ),
    Mutant(
        "an empty datastore beside one with VMs is no error",
        "backup/plan.py",
        "(survey.empty or not survey.vms)",
        "not survey.vms",
        FILER,
    ),
    # The VMs
    Mutant(
        "a create without an answer is given up at once",
        "backup/settle_vms.py",
        "        if self._until(debt, debt.settled_at) > 0 or alive or",
        "        if alive or",
        VMS,
    ),
    Mutant(
        "a vcbsnapshot that still runs is not waited for",
        "backup/settle_vms.py",
        "> 0 or alive or debt.ambiguous(rows)",
        "> 0 or debt.ambiguous(rows)",
        RUNS,
    ),
    Mutant(
        "several snapshots of a shared name are all taken for ours",
        "backup/debts.py",
        "        return tuple(new) if len(new) == 1 else ()\n",
        "        return tuple(new)\n",
        AFTER,
    ),
    Mutant(
        "a snapshot that the survey listed is taken for ours",
        "backup/debts.py",
        "        new = [row for row in mine if row.name == self.name and row.ssid not in self.before]\n",
        "        new = [row for row in mine if row.name == self.name]\n",
        AFTER,
    ),
    Mutant(
        "with the database down nothing is an alarm",
        "backup/debts.py",
        "        return tuple(debt for debt in debts if debt.released is None)\n",
        "        return ()\n",
        VMS,
    ),
    Mutant(
        "a quiesce that failed by its own word is an alarm",
        "backup/debts.py",
        "    return tuple(debt for debt in debts if not debt.watched)\n",
        "    return tuple(debts)\n",
        VMS,
    ),
    Mutant(
        "a removal that never works is sent without end",
        "backup/retries.py",
        "_TRIES = 3 ",
        "_TRIES = 30 ",
        VMS,
    ),
    Mutant(
        "a removal in the way of another task is given up",
        "backup/retries.py",
        "_BUSY = 960.0\n",
        "_BUSY = 0.0\n",
        VMS,
    ),
    Mutant(
        "a removal that was answered 'already deleted' counts as ours",
        "backup/settle_vms.py",
        "        if isinstance(outcome, Done) and outcome.already and not debt.asked:\n",
        "        if isinstance(outcome, Done) and outcome.already and debt.asked:\n",
        VMS,
    ),
    Mutant(
        "a VM that moved is taken for one that is gone",
        "backup/settle_vms.py",
        "        if debt.released is None and debt.vm.id not in known and",
        "        if debt.released is None and known.get(debt.vm.id) != debt.vm.host and",
        VMS,
    ),
)

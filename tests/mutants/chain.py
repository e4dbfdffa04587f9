"""Mutants of what becomes of the chain, and of recover, each named by what it does wrong: caught by a site's ledger."""

from __future__ import annotations

from tests.mutants.planting import Mutant

FILER = ("tests/backup/test_belief.py", "tests/backup/test_engine.py", "tests/backup/test_promises.py")
RUNS = (*FILER, "tests/backup/test_outcomes.py", "tests/backup/test_recover.py", "tests/backup/test_interplay.py")
AFTER = ("tests/backup/test_taken_back.py", "tests/backup/test_recover.py", "tests/backup/test_flights.py", *FILER)

CHAIN = (
    # The chain
    Mutant(
        "the filer's answers are believed without reading the chain back",
        "backup/publish.py",
        " and self.stands(after(listings, rotation.steps), rotation.steps)\n",
        "\n",
        FILER,
    ),
    Mutant(
        "the rotation goes on after a rename that failed",
        "backup/publish.py",
        "            if not self.move(move.step):\n                return number\n",
        "            self.move(move.step)\n",
        RUNS,
    ),
    Mutant(
        "a name that the filer holds is not waited for",
        "backup/publish.py",
        "rotation.blocked is None or left <= 0 or",
        "rotation.blocked is None or left >= 0 or",
        FILER,
    ),
    Mutant(
        "a rename without an answer is called failed without a look",
        "backup/publish.py",
        "        if isinstance(outcome, Unknown) and happened(",
        "        if not isinstance(outcome, Unknown) and happened(",
        FILER,
    ),
    Mutant(
        "a backup that is not good enough is published",
        "backup/rotation.py",
        "    ready = [one for one in pending if one.grade >= job.publish]\n",
        "    ready = list(pending)\n",
        FILER,
    ),
    Mutant(
        "only a busy snapshot is left alone, a mirror's is renamed",
        "backup/rotation.py",
        "        if present[name].tags:\n",
        '        if "busy" in present[name].tags:\n',
        (*FILER, "tests/backup/test_taken_back.py"),
    ),
    Mutant(
        "a gap in the chain costs a backup",
        "backup/rotation.py",
        "    if run == len(job.chain):\n",
        "    if job.chain[-1] in present:\n",
        (*FILER, "tests/backup/test_taken_back.py"),
    ),
    Mutant(
        "the newest of the backups held back is deleted too",
        "backup/rotation.py",
        "for one in pending[:-1] if",
        "for one in pending if",
        FILER,
    ),
    Mutant(
        "a part of a backup is deleted by its name alone",
        "backup/settle_filer.py",
        "if row.name == delete.name and row.date in born), None)",
        "if row.name == delete.name), None)",
        AFTER,
    ),
    Mutant(
        "a part of a backup that the filer holds is deleted",
        "backup/settle_filer.py",
        "        if row.tags:\n",
        "        if not row.name:\n",
        AFTER,
    ),
    Mutant(
        "a rename back is believed without a look",
        "backup/settle_filer.py",
        "            if any(row.name == back.new for row in self._list(rename.volume) or ()):\n",
        "            if isinstance(outcome, Done):\n",
        AFTER,
    ),
    Mutant(
        "a name that was renamed back is renamed back by the next recover too",
        "backup/settle_filer.py",
        "                self.journal.note(TakenBack(rename))\n",
        "                continue\n",
        AFTER,
    ),
    # Recover
    Mutant(
        "recover removes orphaned snapshots that are younger than a run may be",
        "backup/recover.py",
        "row.created is not None and row.created < latest",
        "row.created is not None",
        AFTER,
    ),
    Mutant(
        "recover says that all is well while a VM is quiesced",
        "backup/recover.py",
        "            code = worst(code, Exit.DEBTS if sure else Exit.PARTIAL)\n",
        "            code = worst(code, Exit.PARTIAL if sure else Exit.DEBTS)\n",
        AFTER,
    ),
    Mutant(
        "a job that cannot be recovered keeps the others waiting",
        "backup/recover.py",
        "        for path in paths:\n            with guarded(failed):\n",
        "        for path in paths:\n            if True:\n",
        (*AFTER, "tests/backup/test_interplay.py"),
    ),
    Mutant(
        "the run captures under a name that an unsettled capture may still take",
        "backup/run.py",
        "            if capture.name in self.job.chain:",
        "            if capture.name not in self.job.chain:",
        (*AFTER, "tests/backup/test_interplay.py", "tests/backup/test_flights.py"),
    ),
    Mutant(
        "what earlier runs left is not looked at again at the end",
        "backup/run.py",
        "            if owed(one.journal.facts).vms and one.reaches_vms:\n",
        "            if not owed(one.journal.facts).vms and one.reaches_vms:\n",
        RUNS,
    ),
)

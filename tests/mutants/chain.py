"""Mutants of what becomes of the chain, and of recover, each named by what it does wrong: caught by a site's ledger."""

from __future__ import annotations

from tests.mutants.planting import Mutant

ENGINE, ORIGINS = ("tests/backup/test_engine.py",), ("tests/backup/test_origins.py",)
INTERPLAY, RECOVER = ("tests/backup/test_interplay.py",), ("tests/backup/test_recover.py",)
TAKEN_BACK, LATE_FILER_COMMANDS = (
    ("tests/backup/test_recover_interrupted.py",),
    ("tests/backup/test_late_filer_commands.py",),
)
ADOPT = ("tests/backup/test_adopt.py",)
PROMISES, SETTLE_FILER = ("tests/backup/test_promises.py",), ("tests/backup/test_settle_filer.py",)

CHAIN = (
    # The chain
    Mutant(
        "the filer's answers are trusted without reading the chain back",
        "backup/decide_rotation.py",
        "    if state.believed and (not found.moves or state.broken):\n",
        "    if state.believed and state.broken:\n",
        INTERPLAY,
    ),
    Mutant(
        "names that differ from the filer's answers are not reported",
        "backup/looks.py",
        "yield facts.NamesConfirmed(look.volume) if wanted == found else",
        "yield facts.NamesConfirmed(look.volume) if wanted else",
        INTERPLAY,
    ),
    Mutant(
        "the rotation goes on after a rename that failed",
        "backup/decide_rotation.py",
        "one.changed > since and one.phase is CommandPhase.FAILED:\n",
        "one.changed > since and one.phase is CommandPhase.OVER:\n",
        (*ENGINE, *INTERPLAY),
    ),
    Mutant(
        "a tagged name is not waited for",
        "backup/decide_rotation.py",
        "    if now >= until or state.stopped_at is not None:\n        return False\n    look = ",
        "    if now <= until or state.stopped_at is not None:\n        return False\n    look = ",
        ENGINE,
    ),
    Mutant(
        "a rename without an answer is called failed without a look",
        "backup/changes_filer.py",
        "        case Unknown():\n            return CommandPhase.SILENT\n",
        "        case Unknown():\n            return CommandPhase.FAILED\n",
        ENGINE,
    ),
    Mutant(
        "a rename without output is done for good",
        "backup/phases.py",
        "            return not self.call.worded\n",
        "            return False\n",
        LATE_FILER_COMMANDS,
    ),
    Mutant(
        "an unanswered filer command cannot act any more",
        "backup/looks.py",
        "    return taken + timedelta(seconds=state.header.pace.filer_timeout)\n",
        "    return taken\n",
        LATE_FILER_COMMANDS,
    ),
    Mutant(
        "recover moves names while a command may still act",
        "backup/publishing.py",
        "    if any(state.unsettled or state.doubled for state in states):\n",
        "    if all(state.unsettled or state.doubled for state in ()):\n",
        (*LATE_FILER_COMMANDS, *RECOVER),
    ),
    Mutant(
        "a backup that is not good enough is published",
        "backup/rotation.py",
        "    ready = [one for one in pending if one.grade >= job.publish and not one.doomed]\n",
        "    ready = list(pending)\n",
        ENGINE,
    ),
    Mutant(
        "only a busy snapshot is left alone, a mirror's is renamed",
        "backup/rotation.py",
        "        if present[name].tags:\n",
        '        if "busy" in present[name].tags:\n',
        TAKEN_BACK,
    ),
    Mutant(
        "a gap in the chain costs a backup",
        "backup/rotation.py",
        "    if run == len(job.chain):\n",
        "    if job.chain[-1] in present:\n",
        ("tests/backup/test_rotation.py",),
    ),
    Mutant(
        "the newest pending backup is deleted too",
        "backup/rotation.py",
        "one.grade < job.publish and one is not newest)",
        "one.grade < job.publish)",
        ENGINE,
    ),
    Mutant(
        "a snapshot is ours by its name, whatever its date",
        "backup/origins.py",
        "    alive = tuple(one for one in known if (one.volume, one.name, one.date) in rows)\n",
        "    alive = tuple(one for one in known if (one.volume, one.name) in {row[:2] for row in rows})\n",
        ORIGINS,
    ),
    Mutant(
        "a pending backup older than the newest one is published",
        "backup/origins.py",
        "        if run < latest and runs[run] >= job.publish:",
        "        if run > latest and runs[run] >= job.publish:",
        ENGINE,
    ),
    Mutant(
        "a backup on one volume of two is pending",
        "backup/origins.py",
        '        why = f"is not complete on {\', \'.join(missing)}" if missing else ""\n',
        '        why = ""\n',
        ORIGINS,
    ),
    Mutant(
        "a rename that was not read back is followed as if it had been",
        "backup/origins.py",
        "            if one.phase is CommandPhase.CONFIRMED:\n                known.pop((volume, old), None)\n",
        "            if one.phase:\n                known.pop((volume, old), None)\n",
        PROMISES,
    ),
    Mutant(
        "a deletion that was not read back is forgotten",
        "backup/origins.py",
        "            if one.phase is CommandPhase.CONFIRMED:\n                known.pop((volume, name), None)\n",
        "            if one.phase:\n                known.pop((volume, name), None)\n",
        PROMISES,
    ),
    # What is taken back
    Mutant(
        "a part of a backup is deleted by its name alone",
        "backup/looks.py",
        "            gone = row is None or row.date != one.date ",
        "            gone = row is None ",
        TAKEN_BACK,
    ),
    Mutant(
        "a tagged part of a backup is deleted",
        "backup/decide_filer.py",
        "        if row.tags:\n            record_once(state, draft, _part(",
        "        if not row.name:\n            record_once(state, draft, _part(",
        TAKEN_BACK,
    ),
    Mutant(
        "a rename back is trusted without reading the list",
        "backup/decide_filer.py",
        "        if rename.new not in named or rename.old in named:\n",
        "        if rename.new not in named or rename.old in named or (tried is not None and tried.call.done):\n",
        TAKEN_BACK,
    ),
    Mutant(
        "a name that was renamed back is renamed back by the next recover too",
        "backup/decide_filer.py",
        "            draft.records.append(RenamedBack(rename))\n            return\n",
        "            continue\n",
        TAKEN_BACK,
    ),
    Mutant(
        "a volume that cannot be renamed back keeps the other from it",
        "backup/decide_filer.py",
        "        stuck.add(rename.volume)\n",
        "        return\n",
        SETTLE_FILER,
    ),
    Mutant(
        "in paper order a rotation that fails half-way is left unfinished",
        "backup/runstate.py",
        "        return tuple(step for step in made if isinstance(step, Rename) and step not in self.renamed_back)\n",
        "        return ()\n",
        ENGINE,
    ),
    # Recover
    Mutant(
        "recover removes orphaned snapshots that are younger than a run may be",
        "backup/adopt.py",
        "if row.created is not None and row.created < latest\n",
        "if row.created is not None\n",
        ADOPT,
    ),
    Mutant(
        "a snapshot that an open run knows is orphaned",
        "backup/looks.py",
        "if row.ssid not in known and job",
        "if job",
        ADOPT,
    ),
    Mutant(
        "recover says that all is well while a VM is quiesced",
        "backup/settling.py",
        "    if state.given_up or alarming(state):\n",
        "    if state.given_up:\n",
        RECOVER,
    ),
    Mutant(
        "the VMs of another VirtualCenter are released by their morefs",
        "backup/settling.py",
        "vms=began.vcenter == context.site.vcenter,",
        "vms=True,",
        ENGINE,
    ),
    Mutant(
        "the names of another filer are moved",
        "backup/settling.py",
        "filer=began.filer == context.site.filer)",
        "filer=True)",
        SETTLE_FILER,
    ),
    Mutant(
        "a job that cannot be recovered keeps the others waiting",
        "backup/recover.py",
        "            with self._reported(codes, settling=True):\n                case = self._case(",
        "            if True:\n                case = self._case(",
        RECOVER,
    ),
    Mutant(
        "the run captures under a name that an unsettled capture may still take",
        "backup/run.py",
        "                if one.name in self.job.chain:",
        "                if one.name not in self.job.chain:",
        INTERPLAY,
    ),
    Mutant(
        "work left by earlier runs is not checked again at the end",
        "backup/run.py",
        "            if case.state.outstanding and case.policy.vms:\n",
        "            if not case.state.outstanding and case.policy.vms:\n",
        INTERPLAY,
    ),
)

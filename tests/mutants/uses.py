"""Mutants of mounts, restores and replication."""

from __future__ import annotations

from tests.mutants.planting import Mutant

CRASHES = ("tests/restore/test_crashes.py",)
USED = ("tests/end_to_end/test_use_backup.py",)
MIRRORED = ("tests/restore/test_decide_mirror.py", "tests/restore/test_replicate.py")

USES = (
    Mutant(
        "the intent of a step is written after the act",
        "restore/loop.py",
        "                for record in self.journal.append([intent]):\n                    self._take(record)\n",
        "                early = self._performed(intent.step)\n"
        "                for record in self.journal.append([intent]):\n"
        "                    self._take(record)\n"
        "                self.record(Answered(intent.n, early, 0.0))\n"
        "                return\n",
        CRASHES,
    ),
    Mutant(
        "a take-down does not look",
        "restore/decide.py",
        "    if is_undone(state, one, steps, seen.view):\n",
        "    if any((each.undoes, each.step) == (one.n, steps[-1]) for each in state.steps.values()):\n",
        CRASHES,
    ),
    Mutant(
        "what a dead process sent last is not waited for",
        "restore/state.py",
        "    return taken + timedelta(seconds=state.header.filer_timeout)\n",
        "    return taken\n",
        CRASHES,
    ),
    Mutant(
        "a run does not ask whether a restore died at a final step",
        "restore/night.py",
        "not last.undoes and is_final(last.step):",
        "not last.undoes and not last.step:",
        USED,
    ),
    Mutant(
        "an update is sent before its intent is written",
        "restore/mirror/replicate.py",
        "            self._journal.append([MirrorAsked(step)])\n"
        "            self._fold(MirrorAsked(step))\n"
        "            self._note(self._answer(step))\n",
        "            answered = self._answer(step)\n"
        "            self._journal.append([MirrorAsked(step)])\n"
        "            self._fold(MirrorAsked(step))\n"
        "            self._note(answered)\n",
        MIRRORED,
    ),
    Mutant(
        "recover sends what was never sent",
        "restore/mirror/decide.py",
        "    if task.asked_at is None and not policy.send:\n",
        "    if task.asked_at is None and policy.every < 0:\n",
        MIRRORED,
    ),
)

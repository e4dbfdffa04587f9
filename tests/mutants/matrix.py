"""The bugs that turn the quick kill matrix red, each by the promise that it breaks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.planting import HERE, Mutant, planted

MUTANTS = (
    Mutant(
        "the undo is registered after the act",
        "backup/journal.py",
        "        data, file = self._unwritten + _lines(records), self._opened()\n",
        '        if any(type(one.what).__name__ in {"Intent", "Started"} for one in records):\n'
        "            self._unwritten += _lines(records)\n"
        "            return\n"
        "        data, file = self._unwritten + _lines(records), self._opened()\n",
        breaks="a VM was left quiesced",
    ),
    Mutant(
        "the rotation comes before the confirmation",
        "backup/decide.py",
        "    capture.capture(state, draft)\n",
        "    moves = state.surveyed.moves if state.surveyed is not None else ()\n"
        "    sent = [one.step for one in state.commands.values()]\n"
        "    if state.captured_at is None and (due := [step for step in moves if step not in sent]):\n"
        "        draft.actions += [] if filer.filer_busy(state) else [vms.Send(Stage.ROTATE, due[0])]\n"
        "        return\n"
        "    capture.capture(state, draft)\n",
        breaks="a retained backup was touched before the new one was confirmed",
    ),
    Mutant(
        "VM snapshots are recovered by name instead of by id",
        "backup/looks.py",
        "    listed = tuple(row for row in mine if row.ssid in one.ids)\n",
        "    if mine:\n"
        "        return tuple(row for row in mine if same_name(row.name, one.name))\n"
        "    listed = tuple(row for row in mine if row.ssid in one.ids)\n",
        breaks="something that is not ours was touched",
    ),
    Mutant(
        "a create without an answer is not waited for",
        "backup/looks.py",
        "at >= one.ended + timedelta(seconds=state.header.pace.settle)",
        "at >= one.ended",
        breaks="a VM was left quiesced",
    ),
    Mutant(
        "names move while a deletion may still act",
        "backup/looks.py",
        "            elif over or said_no:\n",
        "            else:\n",
        breaks="a backup was lost",
    ),
    Mutant(
        "recover does not finish a rotation",
        "backup/recover.py",
        "                        call.codes.append(self._finish_rotation(call.configured[name], mine))\n",
        "                        call.codes.append(Exit.OK)\n",
        breaks="a backup was lost",
    ),
    # A power cut finds the following; a kill alone loses nothing that was written.
    Mutant(
        "the journal is never synced",
        "backup/journal.py",
        "        if durable:\n            os.fsync(file.fileno())\n",
        "",
        breaks="a VM was left quiesced",
    ),
    Mutant(
        "the name of the journal is never synced",
        "backup/journal.py",
        "            for ours in (folder, folder.parent):",
        "            for ours in ():",
        breaks="a VM was left quiesced",
    ),
    Mutant(
        "the folders of a first run are never synced",
        "backup/journal.py",
        "            for above in folder.parent.parents:",
        "            for above in ():",
        breaks="a VM was left quiesced",
    ),
)


def matrix(folder: Path, *options: str) -> tuple[int, list[str]]:
    """The quick matrix on the snapall of a folder: its exit code, and the lines that it printed."""
    (folder / "tests").symlink_to(HERE / "tests")
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-m", "tests.matrix", "--quick", *options]
    ended = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return ended.returncode, [*ended.stdout.splitlines(), *ended.stderr.splitlines()]


def caught(mutant: Mutant, *, at_once: bool = False) -> list[str]:
    """The cells by which the mutant was caught, by the promise that it breaks; none when it was not.

    `at_once`: the first of them is enough.
    """
    with tempfile.TemporaryDirectory(prefix="snapall-mutant-", ignore_cleanup_errors=True) as name:
        code, output = matrix(planted(mutant, Path(name)), *(["--until", mutant.breaks] if at_once else []))
    cells, cell = [], ""
    for line in output:
        if not line.startswith(" "):
            cell = line
        elif line.startswith(f"  {mutant.breaks}: ") and cell not in cells:
            cells.append(cell)
    return cells if code == 1 else []

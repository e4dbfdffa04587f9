"""Known bugs of a restore, as data: each must be found by the exploration."""

from __future__ import annotations

from tests.explore.bugs import Bug

DECIDE, STATE, GUARDS, PLAN = "restore/decide.py", "restore/state.py", "restore/guards.py", "restore/plan.py"

RESTORE_BUGS = (
    Bug(
        "a command without an answer counts as not done at once",
        "apart",
        ((DECIDE, "    if failed or seen.at >= until:\n", "    if failed or seen.at:\n"),),
        quick=True,
    ),
    Bug(
        "an answer that says failed is believed",
        "apart",
        (
            (
                DECIDE,
                "    if isinstance(one.outcome, Refusal):\n",
                "    if isinstance(one.outcome, Refusal | Unknown):\n",
            ),
        ),
        quick=True,
    ),
    Bug(
        "an answer that says done is believed",
        "mount",
        ((DECIDE, "StepSeen(one.n, shown is None),", "StepSeen(one.n, True),"),),
        quick=True,
    ),
    Bug(
        "a look that began before a command shows what it did",
        "apart",
        ((STATE, "and found.version >= self.version else None", "else None"),),
        quick=True,
    ),
    Bug(
        "a failed step is the end",
        "apart",
        (
            (
                DECIDE,
                '        return _turned(why, Failed(f"could not {what}',
                '        return _DONE or _turned(why, Failed(f"could not {what}',
            ),
        ),
        quick=True,
    ),
    Bug(
        "the first step is taken back first",
        "swap1",
        ((STATE, "for one, back in reversed(found) if", "for one, back in found if"),),
        quick=True,
    ),
    Bug(
        "a restore is taken back in part after a final step",
        "swap",
        ((STATE, "whole=self.header.kind is UseKind.RESTORE)", "whole=False)"),),
        quick=True,
    ),
    Bug(
        "a final step of a mount keeps the other clones, too",
        "split",
        ((STATE, "        if whole or paths & kept:\n", "        if paths:\n"),),
        quick=True,
    ),
    Bug(
        "a clone that is being split is taken down",
        "split",
        ((STATE, "        if whole or paths & kept:\n", "        if whole:\n"),),
        quick=True,
    ),
    Bug(
        "a LUN at the clone's path is destroyed, whoever made it",
        "meddling",
        (
            (
                GUARDS,
                "    if state.clone_of(one.n) is not None:\n        return any(",
                "    if state.clone_of(one.n) is not None:\n        return True or any(",
            ),
        ),
        quick=True,
    ),
    Bug(
        "a clone keeps its parent's serial",
        "mount",
        (
            (PLAN, "        steps += _own_serial(clone, path, next(serials))\n", ""),
            (
                GUARDS,
                "            return _absent(view, path) or _twin(view, path, _serial(view, path), {igroup})\n",
                "            return _absent(view, path)\n",
            ),
        ),
        quick=True,
    ),
    Bug(
        "the old LUN keeps its serial when a clone takes its place",
        "swap1",
        (
            (
                PLAN,
                '    yield PlannedStep(SetSerial(path, serial, before.serial), "the old LUN gives up its serial")\n',
                "",
            ),
            (
                PLAN,
                '        yield PlannedStep(UnmapLun(path, one.igroup, one.id), "no host',
                '        _ = PlannedStep(UnmapLun(path, one.igroup, one.id), "no host',
            ),
            (PLAN, '    yield PlannedStep(Offline(path), "a serial can be set only offline")\n    yield', "    yield"),
            (GUARDS, 'return f"{one.igroup} sees {one.path} with the same serial"', 'return ""'),
        ),
        quick=True,
    ),
    Bug(
        "a LUN comes back under another LUN id",
        "swap1",
        (
            (
                "restore/steps.py",
                "            return (MapLun(path, igroup, id_),)",
                "            return (MapLun(path, igroup),)",
            ),
        ),
        quick=True,
    ),
    Bug(
        "the original's serial is not given back",
        "swap1",
        (("restore/steps.py", "(Offline(path), SetSerial(path, before, step.serial)) if before else ()", "()"),),
        quick=True,
    ),
    Bug(
        "with the journal's disk full the plan goes on",
        "apart",
        ((DECIDE, "    if state.broken:\n", "    if not state.header:\n"),),
        quick=True,
    ),
    Bug(
        "recover does not wait for what a dead process may have sent",
        "swap1",
        (
            (
                DECIDE,
                "    if quiet is not None and seen.at < quiet:\n",
                "    if quiet is not None and seen.at > quiet:\n",
            ),
        ),
        faults=2,
    ),
    Bug(
        "a take-down that failed is closed",
        "apart",
        (
            (
                STATE,
                "            self.down is not None and any(one.n not in foreign for one, _ in self.undoings)\n",
                "            self.down is None and bool(foreign)\n",
            ),
        ),
        faults=2,
    ),
    Bug(
        "a clone that somebody replaced is mapped",
        "meddling",
        ((DECIDE, "    why = taken_away(state, planned.step, seen.view)\n", '    why = ""\n'),),
    ),
)

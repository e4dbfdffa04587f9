"""Known bugs of the core, as data: each must be found by the exploration."""

from __future__ import annotations

from dataclasses import dataclass

Edit = tuple[str, str, str]  # a file of backup/, or restore/ and a file, a text in it, and what stands there instead


@dataclass(frozen=True, slots=True)
class Bug:
    """What is wrong, how it is planted, and where the exploration is to find it, within so many faults."""

    name: str
    scene: str
    edits: tuple[Edit, ...]
    faults: int = 1
    quick: bool = False


BUGS = (
    Bug(
        "1: a late VM waits for the removals that are under way",
        "a",
        (
            (
                "decide_vms.py",
                "    for one in sorted(waiting, key",
                "    for one in sorted([] if under_way else waiting, key",
            ),
        ),
    ),
    Bug(
        "2: an id that was there before the run is believed",
        "a",
        (
            (
                "changes_vms.py",
                "case Done(ssid=ssid) if ssid in state.present_ids or _is_of_another(state, one, ssid):",
                "case Done(ssid=ssid) if not ssid:",
            ),
            ("looks.py", "if printed and printed not in one.withheld and", "if not printed and"),
            ("looks.py", "elif one.create is not None and not same_name(row.name, one.name):", "elif not row.name:"),
        ),
        quick=True,
    ),
    Bug(
        "2: an id of another VM's snapshot is believed",
        "a",
        (
            ("looks.py", "        if row.vm != one.vm.id:\n", "        if not row.vm:\n"),
            ("looks.py", "elif one.create is not None and not same_name(row.name, one.name):", "elif not row.name:"),
        ),
    ),
    Bug(
        "3: a create that says that it failed counts as refused",
        "a",
        (("changes_vms.py", "phase = VmPhase.FAILED if failed else", "phase = VmPhase.REFUSED if failed else"),),
        quick=True,
    ),
    Bug(
        "5: a run asks for VMs that another run owns",
        "c-paper",
        (("queries.py", "if one.vm.id in vms}", "if one.vm.id in vms and not vms}"),),
        quick=True,
    ),
    Bug(
        "8: the release waits for a filer that does not answer, without a limit",
        "a",
        (("decide.py", "and now >= state.captured_at + timeout:", "and now < state.captured_at:"),),
    ),
    Bug(
        "8: whoever takes a run over waits for its dead answers",
        "a",
        (("phases.py", "return self.outcome is None and not self.abandoned", "return self.outcome is None"),),
    ),
    Bug(
        "12: a refused login is tried for every VM",
        "a1",
        (
            (
                "changes_vms.py",
                "            if outcome.login and not any_created(state):\n",
                "            if not outcome:\n",
            ),
        ),
        quick=True,
    ),
    Bug(
        "13: after a signal no VM was quiesced",
        "a",
        (("certificate.py", "    if may_be and one.removals and not one", "    if one.removals and not one"),),
        quick=True,
    ),
    Bug(
        "the release never begins",
        "a",
        (("decide.py", 'return [ReleaseBegan("the capture is confirmed")]', "return []"),),
        quick=True,
    ),
    Bug(
        "the release begins before the capture is answered",
        "a",
        (
            (
                "decide.py",
                "    if state.confirmed:\n        return [Rel",
                "    if state.captured_at:\n        return [Rel",
            ),
        ),
        quick=True,
    ),
    Bug(
        "a VM that answers after the capture was sent counts as quiesced",
        "a",
        (("changes_vms.py", "early = state.captured_at is None\n", "early = True\n"),),
    ),
    Bug(
        "a snapshot that was gone before its release counts as quiesced",
        "d",
        (
            ("changes_vms.py", "vanished=one.vanished or (outcome", "vanished=one.vanished and (outcome"),
            ("state.py", "replace(one, vanished=True)", "replace(one, vanished=False)"),
        ),
    ),
    Bug(
        "names move while a rename may still act",
        "a-paper",
        (("decide_filer.py", ", *state.doubled, *state.unsettled]\n", ", *state.doubled]\n"),),
    ),
    Bug(
        "a create without an answer is given up at once",
        "a",
        (("looks.py", "at >= one.ended + timedelta(seconds=state.header.pace.settle)\n", "at >= one.ended\n"),),
    ),
    Bug(
        "a removal is sent again though its snapshot is not listed",
        "a",
        (("decide_vms.py", "    if sent and not listed and state.database is None:\n", "    if not calls:\n"),),
    ),
    Bug(
        "a look counts although the VM has changed since",
        "a",
        (("phases.py", "return self.looked >= self.changed\n", "return self.looked >= 0\n"),),
    ),
    Bug(
        "a snap create is sent three times",
        "d",
        (("decide_capture.py", "MOST_CREATES = 2 ", "MOST_CREATES = 3 "),),
        faults=2,
    ),
    Bug(
        "a journal is closed while a VM may be quiesced",
        "a",
        (
            (
                "runstate.py",
                "any(one.outstanding for one in self.vms.values()) or self.fil",
                "bool(self.vms) and self.fil",
            ),
        ),
        quick=True,
    ),
    Bug(
        "names moved for a failed capture stay moved",
        "a-paper",
        (("decide_filer.py", "        _rename_back(state, draft)\n", "        return\n"),),
    ),
    Bug(
        "recover does not look once more when the last create can act no more",
        "a",
        (("decide_looks.py", "    if last or (open_ and", "    if (open_ and"),),
    ),
    Bug(
        "a snap create that was sent twice is forgotten once its name is confirmed",
        "d",
        (("decide_filer.py", ", *state.doubled, *state.unsettled]\n", ", *state.unsettled]\n"),),
    ),
    Bug(
        "in paper order a tagged name counts as free",
        "d-paper",
        (
            (
                "decide_capture.py",
                "    return not found.moves and found.blocked is None\n",
                "    return not found.moves\n",
            ),
            (
                "decide_capture.py",
                "and (blocked := _room(state).blocked) is not None:\n",
                "and (blocked := state.broken):\n",
            ),
        ),
    ),
)

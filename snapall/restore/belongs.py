"""Which LUN belongs to which VM: by the job's `luns`, else by its file name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from snapall.backup.model import Vm

OURS = re.compile(r"snapall_(mnt|ver|old)_\d{8}T\d{6}Z_.+", re.IGNORECASE)
"""The file name of a clone that snapall made, or of a LUN that it moved aside."""
_NO_FILE_NAME = re.compile(r"[^a-z0-9_.{}-]")
_AFTER_THE_NAME = (".", "-", "_")


def is_clone(path: str) -> bool:
    """Whether a LUN is called as a clone of snapall's is, or as one that it moved aside."""
    return OURS.fullmatch(path.rpartition("/")[2]) is not None


def owners(
    paths: Iterable[str],
    vms: Sequence[Vm],
    given: Mapping[str, Sequence[str]] | None = None,
    others: Sequence[Vm] = (),
) -> dict[str, Vm | None]:
    """The VM of each LUN; None: of no VM, so a VMFS LUN or unknown. `others`: all VMs that are not the job's.

    `given` is the job's `luns`, paths by a VM's name or moref. A VM with an entry has those LUNs alone. Another has the
    LUNs called as it is, or by its name and then `.`, `-` or `_`; case does not count, what a LUN's name cannot
    hold counts as `_`, and the longest name wins. Where two VMs have the same name, neither has any LUN by its name.
    """
    every, entries = (*others, *vms), _entries(given)
    listed = {path: vm for vm in every for path in _entry(vm, entries) or ()}
    return {path: listed.get(path) or _by_name(path, every, entries) for path in paths}


def guesses(
    of: Mapping[str, Vm | None], given: Mapping[str, Sequence[str]], vms: Sequence[Vm], others: Sequence[Vm]
) -> frozenset[str]:
    """The LUNs whose VM may be another one: a name's beginning alone speaks for it, or some names cannot be read."""
    entries, unread = _entries(given), any(vm.name is None for vm in (*vms, *others))
    named = {path: vm for path, vm in of.items() if vm is not None and path not in (_entry(vm, entries) or ())}
    return frozenset(path for path, vm in named.items() if unread or _file(path) != _as_file(vm.name or ""))


def others_than(vms: Sequence[Vm], every: Iterable[Vm]) -> tuple[Vm, ...]:
    """The VMs beside these."""
    mine = {vm.id for vm in vms}
    return tuple(vm for vm in every if vm.id not in mine)


def unclaimed(vms: Sequence[Vm], given: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The keys of `luns` that are no VM's."""
    known = {key for vm in vms for key in _keys(vm)}
    return tuple(key for key in given if key.lower() not in known)


def _by_name(path: str, vms: Sequence[Vm], entries: Mapping[str, Sequence[str]]) -> Vm | None:
    name = _file(path)
    if is_clone(path):
        return None
    fitting = [vm for vm in vms if vm.name and _fits(name, _as_file(vm.name))]
    longest = max((len(vm.name or "") for vm in fitting), default=0)
    found = [vm for vm in fitting if len(vm.name or "") == longest]
    return found[0] if len(found) == 1 and _entry(found[0], entries) is None else None


def _fits(lun: str, vm: str) -> bool:
    return lun == vm or (lun.startswith(vm) and lun[len(vm)] in _AFTER_THE_NAME)


def _file(path: str) -> str:
    return path.rpartition("/")[2].lower()


def _as_file(name: str) -> str:
    """A VM's name as a LUN can be called."""
    return _NO_FILE_NAME.sub("_", name.lower())


def _entries(given: Mapping[str, Sequence[str]] | None) -> dict[str, Sequence[str]]:
    return {key.lower(): tuple(of) for key, of in (given or {}).items()}


def _entry(vm: Vm, entries: Mapping[str, Sequence[str]]) -> Sequence[str] | None:
    return next((entries[key] for key in _keys(vm) if key in entries), None)


def _keys(vm: Vm) -> tuple[str, ...]:
    return (vm.moref, vm.name.lower()) if vm.name else (vm.moref,)

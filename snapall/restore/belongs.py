"""Which LUN belongs to which VM: by the job's `luns`, else by its file name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from snapall.backup.model import Vm

OURS = re.compile(r"snapall_(mnt|ver|old)_\d{8}T\d{6}Z_.+", re.IGNORECASE)
"""The file name of a clone that snapall made, or of a LUN that it moved aside."""
_NO_FILE_NAME = re.compile(r"[^a-z0-9_.{}-]")
_AFTER_THE_NAME = (".", "-", "_")


def owners(
    paths: Iterable[str], vms: Sequence[Vm], given: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Vm | None]:
    """The VM of each LUN; None: of no VM, so a VMFS LUN or unknown.

    `given` is the job's `luns`, paths by a VM's name or moref. A VM with an entry has those LUNs alone. Another has the
    LUNs called as it is, or by its name and then `.`, `-` or `_`; case does not count, what a LUN's name cannot
    hold counts as `_`, and the longest name wins. Where two VMs have the same name, neither has any LUN by its name.
    """
    entries = {key.lower(): tuple(of) for key, of in (given or {}).items()}
    listed = {path: vm for vm in vms for path in _entry(vm, entries) or ()}
    return {path: listed.get(path) or _by_name(path, vms, entries) for path in paths}


def unclaimed(vms: Sequence[Vm], given: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The keys of `luns` that are no VM's."""
    known = {key for vm in vms for key in _keys(vm)}
    return tuple(key for key in given if key.lower() not in known)


def _by_name(path: str, vms: Sequence[Vm], entries: Mapping[str, Sequence[str]]) -> Vm | None:
    name = path.rpartition("/")[2].lower()
    if OURS.fullmatch(name):
        return None
    fitting = [vm for vm in vms if vm.name and _fits(name, vm.name.lower())]
    longest = max((len(vm.name or "") for vm in fitting), default=0)
    found = [vm for vm in fitting if len(vm.name or "") == longest]
    return found[0] if len(found) == 1 and _entry(found[0], entries) is None else None


def _fits(lun: str, name: str) -> bool:
    vm = _NO_FILE_NAME.sub("_", name)
    return lun == vm or (lun.startswith(vm) and lun[len(vm)] in _AFTER_THE_NAME)


def _entry(vm: Vm, entries: Mapping[str, Sequence[str]]) -> Sequence[str] | None:
    return next((entries[key] for key in _keys(vm) if key in entries), None)


def _keys(vm: Vm) -> tuple[str, ...]:
    return (vm.moref, vm.name.lower()) if vm.name else (vm.moref,)

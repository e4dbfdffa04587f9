"""The rows of VMs: where VirtualCenter assigns them, their names and hosts, their disks, and their guests' names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import select

from snapall.backup.model import Vm, decode_name
from snapall.backup.whereabouts import Place, Whereabouts, same_storage
from snapall.errors import SiteError
from snapall.site.tables import Question, Rows, Wanted, id_of

Assigned = Mapping[int, frozenset[int]]
"""Datastores by VM."""


def no_template(vm: sa.Table) -> sa.ColumnElement[bool]:
    """Whether a row of VPX_VM is no template. A template cannot be snapshot; the batch asked for it all the same."""
    zero: sa.ColumnElement[int] = sa.literal_column("0", sa.Integer)
    return sa.func.coalesce(vm.c.IS_TEMPLATE, zero) == zero


def name_of(stored: object) -> str:
    """A name as users see it."""
    return "" if stored is None else decode_name(str(stored))


def assigned(ask: Question, on: Collection[int] | None = None, of: Collection[int] | None = None) -> Assigned:
    """The VMs that VPX_DS_ASSIGNMENT lists, without templates: those `on` datastores, `of` some VMs, or all.

    The join with VPX_VM drops what else the table lists, hosts by all appearances (the paper, section 2.1).
    """
    vm, at = ask.table("VPX_VM"), ask.table("VPX_DS_ASSIGNMENT")
    joined = vm.join(at, vm.c.ID == at.c.ENTITY_ID)
    plain = select(vm.c.ID, at.c.DS_ID).select_from(joined).where(no_template(vm)).distinct().order_by(vm.c.ID)
    wanted: list[Wanted] = [(at.c.DS_ID, tuple(on))] if on is not None else []
    wanted += [(vm.c.ID, tuple(of))] if of is not None else []
    found: dict[int, set[int]] = {}
    for vm_id, store in ask.rows(plain, *wanted):
        found.setdefault(id_of(vm_id), set()).add(id_of(store))
    return {one: frozenset(stores) for one, stores in found.items()}


def named(ask: Question, ids: Collection[int]) -> tuple[dict[int, Vm], bool, bool]:
    """These VMs by id with names and hosts; whether the login may read names, and whether it may read hosts."""
    vm, entity, host = (ask.table(name) for name in ("VPX_VM", "VPX_ENTITY", "VPX_HOST"))
    with_name = select(vm.c.ID, entity.c.NAME).select_from(vm.join(entity, entity.c.ID == vm.c.ID))
    with_host = select(vm.c.ID, host.c.DNS_NAME).select_from(vm.join(host, host.c.ID == vm.c.HOST_ID))
    names, hosts = (ask.if_allowed(one, *_of(vm.c.ID, ids)) for one in (with_name, with_host))
    called = {id_of(one): decode_name(str(name)) for one, name in names or () if name is not None}
    on = {id_of(one): str(name) for one, name in hosts or () if name is not None}
    return {one: Vm(one, called.get(one), on.get(one)) for one in ids}, names is not None, hosts is not None


@dataclass(frozen=True, slots=True)
class VmxPlace:
    """Where a VM's .vmx lies: the host that the VM is on, and its path as VirtualCenter writes it. None: not known."""

    host: str | None
    file: str | None


def vmx_files(ask: Question, ids: Collection[int]) -> dict[int, str]:
    """The paths of the .vmx files of these VMs, as far as they can be read."""
    vm = ask.table("VPX_VM")
    files = ask.if_allowed(select(vm.c.ID, vm.c.FILE_NAME), *_of(vm.c.ID, ids))
    return {id_of(one): str(file) for one, file in files or () if file}


def whereabouts(ask: Question, stores: tuple[int, ...], own: Assigned) -> tuple[Whereabouts, tuple[Vm, ...]]:
    """Where a job's `own` VMs lie, and the VMs beside them: of datastores on the same storage as `stores`.

    All of this is optional: where it cannot be read, less is known.
    """
    names, storage = datastores(ask)
    twins = same_storage(storage, stores)
    near: Assigned = ask.or_else({}, lambda: assigned(ask, on=twins)) if twins else {}
    beside: dict[int, Vm] = {}
    if others := near.keys() - own.keys():
        beside = ask.or_else({one: Vm(one) for one in others}, lambda: named(ask, others)[0])
    both = {one: own.get(one, frozenset()) | near.get(one, frozenset()) for one in sorted({*own, *near})}
    found, readable, known = places(ask, both, tuple(both))
    called = guests(ask, tuple(own))
    where = Whereabouts(stores, frozenset(), found, readable, known, names, storage, guests=called)
    return where, tuple(beside[one] for one in sorted(beside))


def places(ask: Question, of: Assigned, ids: Collection[int] | None) -> tuple[dict[int, Place], bool, bool]:
    """Where these VMs lie (None: all VMs), whether their disks can be read, and whether any is listed.

    vCenter 4 and 5 tie a disk to its file by VM_ID and UPDATE_KEY (published queries); uncertain for 2.x. A disk with
    two files has both datastores.
    """
    vm, disk, file = (ask.table(name) for name in ("VPX_VM", "VPX_VIRTUAL_DISK", "VPX_VDEVICE_FILE_BACKING"))
    pair = sa.and_(file.c.VM_ID == disk.c.VM_ID, file.c.UPDATE_KEY == disk.c.UPDATE_KEY)
    query = select(disk.c.VM_ID, disk.c.UPDATE_KEY, file.c.DATASTORE_ID).select_from(disk.outerjoin(file, pair))
    rows = ask.optional(query, *_of(disk.c.VM_ID, ids))
    counts = ask.optional(select(vm.c.ID, vm.c.NUM_DISK), *_of(vm.c.ID, ids))
    disks: dict[int, dict[object, set[int]]] = {}
    for owner, key, store in rows or ():
        with suppress(SiteError):
            stores = disks.setdefault(id_of(owner), {}).setdefault(key, set())
            stores.add(id_of(store))  # SiteError, for a NULL too: this disk's datastore is not known
    count = _ids(counts)
    found = {one: _place(stores, disks.get(one, {}), count.get(one, 0)) for one, stores in of.items()}
    return found, rows is not None, bool(disks)


def _place(stores: frozenset[int], disks: Mapping[object, set[int]], count: int) -> Place:
    on = sorted(store for one in disks.values() for store in one)
    whole = bool(disks) and all(disks.values()) and len(disks) >= count
    return Place(tuple(sorted(stores)), tuple(dict.fromkeys(on)), whole)


def guests(ask: Question, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The DNS names and addresses that these VMs' guests report, as far as they can be read."""
    vm = ask.table("VPX_VM")
    found: dict[int, tuple[str, ...]] = {}
    for column in (vm.c.DNS_NAME, vm.c.IP_ADDRESS):  # two questions: a login may have the right to one of them
        for one, text in _texts(ask.optional(select(vm.c.ID, column), *_of(vm.c.ID, ids))).items():
            found[one] = (*found.get(one, ()), *([text] if text else []))
    return found


def datastores(ask: Question) -> tuple[dict[int, str], dict[int, str]]:
    """The names of all datastores, and what is below each: its STORAGE_URL, which twins share. Empty: not readable."""
    store = ask.table("VPX_DATASTORE")
    names, urls = (ask.optional(select(store.c.ID, column)) for column in (store.c.NAME, store.c.STORAGE_URL))
    below = {one: text.strip().rstrip("/").lower() for one, text in _texts(urls).items()}
    return {one: name_of(text) for one, text in _texts(names).items()}, {one: url for one, url in below.items() if url}


def _of(column: sa.ColumnElement[int], ids: Collection[int] | None) -> list[Wanted]:
    """Bound a statement to these VMs; to -1, where there are none: the rights show all the same."""
    return [] if ids is None else [(column, tuple(ids) or (-1,))]


def _texts(rows: Rows) -> dict[int, str]:
    found: dict[int, str] = {}
    for one, text in rows or ():
        with suppress(SiteError):
            found[id_of(one)] = "" if text is None else str(text)
    return found


def _ids(rows: Rows) -> dict[int, int]:
    found: dict[int, int] = {}
    for one, number in rows or ():
        with suppress(SiteError):
            found[id_of(one)] = id_of(number)
    return found

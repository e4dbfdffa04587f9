"""Copies the vmx files of a job's VMs from the hosts that run them, a few hosts at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from snapall.backup import patience
from snapall.backup.context import named_defect
from snapall.backup.facts import Warned
from snapall.backup.outfile import make_private_folder
from snapall.errors import SiteError
from snapall.escaping import printable, quoted
from snapall.restore.vmx.generations import write_new
from snapall.restore.vmx.names import NotCopied, VmCopy, VmxPath, copy_name, folder_names, path_of

if TYPE_CHECKING:
    from snapall.backup.model import Vm
    from snapall.restore.vmx.console import Console, CopiedFile
    from snapall.site.vmrows import VmxPlace

GRANT = "grant SELECT on VPX_HOST and on FILE_NAME of VPX_VM (sql/grants.sql)"
HOSTS = 4  # that are read at a time
_PACE = 0.1  # seconds between two looks at the signal's flag

Login = Callable[[str], AbstractContextManager["Console"]]
"""Opens the console of a host, by VirtualCenter's name of it. SiteError: it cannot be had."""
LookUp = Callable[[Sequence[int]], Mapping[int, "VmxPlace"]]
"""Where the .vmx of each of these VMs lies now. SiteError."""
Trouble = tuple[str, str, str]
"""Why a copy is missing: text, remedy, code."""


@dataclass(slots=True)
class _Task:
    """One VM: where it is, and what has come of it."""

    copy: VmCopy
    host: str
    at: VmxPath
    trouble: Trouble | None = None


@dataclass
class VmxCopy:
    """One generation in the making. `notes` are warnings; `troubles` says of each VM why its copy is not whole."""

    folder: Path
    login: Login
    look_up: LookUp
    stopped: Callable[[], bool]
    notes: list[Warned] = field(default_factory=list)
    troubles: dict[int, Trouble] = field(default_factory=dict)
    _open: set[Console] = field(default_factory=set)
    _ended: bool = False  # by a signal

    def run(self, vms: Sequence[Vm]) -> tuple[VmCopy, ...]:
        """Copy the files of these VMs. One whose copy fails is looked up again, and tried once more if it has moved."""
        folders = folder_names(vms)
        copies = {vm.id: VmCopy(vm, folders[vm.id]) for vm in vms}
        done = self._round(copies, {})
        failed = {one.copy.vm.id: one for one in done.values() if one.trouble is not None}
        if failed and not self._ended:
            done |= self._round({one: copies[one] for one in failed}, failed)
        return tuple(done[one].copy for one in copies)

    def _round(self, copies: Mapping[int, VmCopy], before: Mapping[int, _Task]) -> dict[int, _Task]:
        """Try each VM once, where it is now; those that were tried `before` only if they have moved."""
        places: Mapping[int, VmxPlace] = {}
        unknown: Trouble | None = None
        try:
            places = self.look_up(tuple(copies))
        except SiteError as error:
            unknown = error.parts
        tasks = {one: _task(copy, places.get(one), unknown) for one, copy in copies.items()}
        tasks = {one: task for one, task in tasks.items() if one not in before or _moved(task, before[one])}
        self._work([one for one in tasks.values() if one.trouble is None])
        for one, task in tasks.items():
            self.troubles.pop(one, None)
            trouble = _ENDED if self._ended and task.copy.files is None else task.trouble
            if trouble is not None:
                self.troubles[one] = trouble
                task.copy = replace(task.copy, why=trouble[0])
            if task.copy.files is None and one in before:
                earlier = before[one].copy
                task.copy = replace(task.copy, files=earlier.files, digests=earlier.digests)
        return tasks

    def _work(self, tasks: Sequence[_Task]) -> None:
        """Read the hosts, a few at a time. A signal hangs up on them all."""
        hosts: queue.SimpleQueue[list[_Task]] = queue.SimpleQueue()
        names = dict.fromkeys(one.host for one in tasks)
        for name in names:
            hosts.put([one for one in tasks if one.host == name])
        threads = [
            threading.Thread(target=self._worker, args=(hosts,), daemon=True) for _ in range(min(HOSTS, len(names)))
        ]
        for one in threads:
            one.start()
        for one in threads:
            while one.is_alive():
                one.join(_PACE)
                if self.stopped() and not self._ended:
                    self._ended = True
                    for console in tuple(self._open):
                        console.hang_up()
                if self._ended:
                    one.join(_PACE)
                    break  # what still connects ends by itself, and writes nothing more

    def _worker(self, hosts: queue.SimpleQueue[list[_Task]]) -> None:
        with suppress(queue.Empty):
            while not self._ended:
                tasks = hosts.get_nowait()
                try:
                    self._host(tasks)
                except SiteError as error:
                    _fail(tasks, error.parts)
                except Exception as error:  # noqa: BLE001 - another host's copies go on
                    _fail(tasks, NotCopied(named_defect(error), "please report it", "SA-1846").parts)

    def _host(self, tasks: Sequence[_Task]) -> None:
        with self.login(tasks[0].host) as console:
            self._open.add(console)
            try:
                for task in tasks:
                    if self._ended:
                        return
                    try:
                        self._vm(console, task)
                    except SiteError as error:
                        task.trouble = error.parts
                        if not console.usable:
                            raise console.lost() from error
            finally:
                self._open.discard(console)

    def _vm(self, console: Console, task: _Task) -> None:
        """Read a VM's files, then write them. What could be read is kept, even if something is missing."""
        found: dict[str, CopiedFile] = {}
        failure: SiteError | None = None
        for name in console.names(task.at.folder):
            kept = copy_name(name)
            if kept is None or kept.lower() in {one.lower() for one in found}:
                self._note(task, f"{quoted(name)} was not copied: the name is not one that a VM's file has")
                continue
            try:
                file = console.read(task.at.folder, name)
            except SiteError as error:
                failure = failure or error
                if not console.usable:
                    break
                continue
            if file is not None:
                found[kept] = file
                if file.cut:
                    self._note(task, f"{quoted(name)} was cut off after {len(file.data)} bytes")
        self._write(task, found)
        if failure is not None:
            raise failure
        if task.at.name not in {one.name for one in found.values()}:
            raise NotCopied(
                f"{task.copy.host}: {printable(task.at.folder)} has no {printable(task.at.name)}",
                "check in VirtualCenter where the VM's configuration file is",
                "SA-1847",
            )

    def _write(self, task: _Task, found: Mapping[str, CopiedFile]) -> None:
        if self._ended or not found:
            return
        folder = self.folder / task.copy.folder
        try:
            with suppress(FileExistsError):
                make_private_folder(folder)
            for old in folder.iterdir():  # of the first try, before the VM moved
                patience.unlink(old)
            for name, file in found.items():
                write_new(folder / name, file.data)
        except OSError as error:
            raise NotCopied(
                f"the vmx copies cannot be written to {self.folder.parent}: {error.strerror}",
                "free some space on its disk, and check its permissions",
                "SA-1848",
            ) from error
        digests = {name: sha256(one.data).hexdigest() for name, one in found.items()}
        task.copy = replace(task.copy, files={name: one.name for name, one in found.items()}, digests=digests)

    def _note(self, task: _Task, text: str) -> None:
        remedy = f"check {printable(task.at.folder)} on the console; `max_bytes` bounds the size of a file"
        self.notes.append(Warned(f"the vmx copy of {task.copy.vm.label}: {text}", remedy, "SA-1849"))


_ENDED = NotCopied("a signal ended the vmx copies", "the next backup is copied again", "SA-1850").parts


def _task(copy: VmCopy, place: VmxPlace | None, unknown: Trouble | None) -> _Task:
    """The task of a VM. Where its place is not known, it says why."""
    host, file = (place.host or "", place.file or "") if place is not None else ("", "")
    at = path_of(file)
    task = _Task(replace(copy, host=host, path=at.folder if at is not None else ""), host, at or VmxPath("", ""))
    task.trouble = unknown or (why.parts if (why := _no_place(place, file, at)) is not None else None)
    return task


def _no_place(place: VmxPlace | None, file: str, at: VmxPath | None) -> NotCopied | None:
    """Why it is not known where a VM's .vmx lies; None: it is."""
    if place is None:
        return NotCopied("VirtualCenter no longer knows the VM", "nothing to do if it was removed", "SA-1851")
    if not place.host or not place.file:
        return NotCopied("the database shows no host or no path of the .vmx", GRANT, "SA-1852")
    if at is None:
        text = f"the path of the VM's .vmx is not one on a datastore: {quoted(file)}"
        return NotCopied(text, "check the VM's configuration file in VirtualCenter", "SA-1853")
    return None


def _moved(now: _Task, before: _Task) -> bool:
    return (now.host, now.at) != (before.host, before.at) and now.trouble is None


def _fail(tasks: Sequence[_Task], trouble: Trouble) -> None:
    for one in tasks:
        if one.copy.files is None and one.trouble is None:
            one.trouble = trouble

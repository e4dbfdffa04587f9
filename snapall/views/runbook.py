"""A run-book for programs: what it is made of, and its commands chapter by chapter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from snapall.restore.book.blocks import Block, Commands, Heading
from snapall.restore.book.runbook import owners_of
from snapall.views.json_root import picked, root

if TYPE_CHECKING:
    from snapall.backup.model import Vm
    from snapall.backup.outcome import Verdict
    from snapall.restore.book.facts import BookFacts, Present
    from snapall.restore.vmx.names import VmCopy


def book_json(
    facts: BookFacts, present: Sequence[Present], proof: str, copies: Sequence[VmCopy], blocks: Sequence[Block]
) -> dict[str, object]:
    """The whole run-book; `commands` are those of its text, each as one line."""
    return root(
        **picked(facts, "job", "run", "grade", "vm_snapshot", "read_at", "late", "troubles"),
        proof=proof or None,
        filer=picked(facts.filer, "host", "transport", "port") | {"user": facts.filer.user or None},
        snapshots=[picked(one, "volume", "name", "date") for one in present],
        igroups=[picked(one, "name", "protocol", "ostype", "initiators") for one in facts.igroups],
        luns=list(_luns(facts, owners_of(facts))),
        vms=[_vm(facts, one, copies) for one in facts.verdicts],
        commands=list(_commands(blocks)),
    )


def _luns(facts: BookFacts, of: Mapping[str, Vm | None]) -> Iterator[dict[str, object]]:
    for volume in facts.volumes:
        for lun in volume.luns:
            vm = of[lun.path]
            maps = [picked(one, "igroup", "id", "protocol") for one in volume.maps_of(lun.path)]
            shown = picked(lun, "path", "size", "serial") | {"backed_by": lun.backed_by or None}
            yield shown | {"vm": vm.moref if vm is not None else None, "maps": maps}


def _vm(facts: BookFacts, verdict: Verdict, copies: Sequence[VmCopy]) -> dict[str, object]:
    vm = verdict.vm
    vmx = next((one.vmx for one in facts.files if one.vm == vm.id), None)
    copy = next((one for one in copies if one.vm.id == vm.id), None)
    shown = {"vm": vm.moref, "name": vm.name, "host": vm.host or None, "vmx": vmx} | picked(verdict, "state", "why")
    return shown | {"copies": None if copy is None else _copies(copy)}


def _copies(copy: VmCopy) -> dict[str, object]:
    files = [
        {"name": name, "original": original, "sha256": copy.digests.get(name)}
        for name, original in (copy.files or {}).items()
    ]
    return picked(copy, "folder", "host", "path", "why") | {"files": files}


def _commands(blocks: Sequence[Block]) -> Iterator[dict[str, object]]:
    """Every command with the chapter and the section that it stands in."""
    chapter = section = ""
    for one in blocks:
        match one:
            case Heading(level, text):
                chapter, section = (text, "") if level < 3 else (chapter, text)
            case Commands(lines):
                for words in lines:
                    yield {"chapter": chapter, "section": section, "command": " ".join(words)}
            case _:
                pass

"""A VM's part of the run-book: its LUNs, which disk is the consistent one, and the three ways back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from snapall.backup.outcome import QUIESCED, Verdict
from snapall.escaping import quoted_word
from snapall.restore.book import ways
from snapall.restore.book.blocks import Block, Commands, Heading, Paragraph, Rows
from snapall.restore.book.facts import BookFacts, Present, VolumeFacts
from snapall.restore.book.words import Shell, console, vmx_path
from snapall.restore.model import Lun
from snapall.restore.vmx.names import VmCopy

_GB, _MB = 1024**3, 1024**2
Found = tuple[VolumeFacts, Lun]


def of_vm(
    facts: BookFacts,
    verdict: Verdict,
    luns: Sequence[Found],
    names: Mapping[str, Present],
    shell: Shell,
    copy: VmCopy | None = None,
) -> Iterator[Block]:
    """Everything about one VM. `copy`: of its vmx files."""
    vm = verdict.vm
    vmx = next((one.vmx for one in facts.files if one.vm == vm.id), "")
    yield Heading(2, f"VM {vm.label}", page=True)
    yield Rows(
        (
            ("host", vm.host or "not known"),
            ("vmx", vmx or "not known"),
            ("state", f"{verdict.state}{': ' * bool(verdict.why)}{verdict.why}"),
            *((lun.path, about(volume, lun)) for volume, lun in luns),
        )
    )
    yield from _copies(copy)
    if not luns:
        yield Paragraph(
            "No LUN of this VM is known: its disks are files of a VMFS LUN, or `luns` of the job lacks them."
        )
    yield Paragraph(_consistent(facts, verdict))
    if not luns:
        return
    if vmx:
        yield Paragraph(
            "Before B or C: it must be off and have no snapshot. Afterwards: rescan its hosts, then start it."
        )
        host, path = vm.host or "ESXHOST", vmx_path(vmx)
        checks = (f"vmware-cmd {path} getstate", f"vmware-cmd {path} hassnapshot", f"vmware-cmd {path} stop trysoft")
        yield Commands(tuple(console(host, one) for one in checks))
    for volume, lun in luns:
        yield from _ways(facts, volume, lun, names[volume.volume], shell)
    if vmx:
        yield Paragraph("When all its disks are back:")
        starts = ("esxcfg-rescan vmhba1", f"vmware-cmd {vmx_path(vmx)} start")
        yield Commands(tuple(console(vm.host or "ESXHOST", one) for one in starts))


def _copies(copy: VmCopy | None) -> Iterator[Block]:
    """Which vmx files were copied, where they are, and how to tell that they are whole."""
    if copy is None:
        return
    missing = f"NOT ALL COPIED: {copy.why}. " * bool(copy.why)
    files = copy.files or {}
    if not files:
        yield Paragraph(f"{missing}There is no copy of its vmx files.")
        return
    at = f"{copy.host}:{copy.path}"
    yield Paragraph(f"{missing}Its vmx files as of this backup, copied from {at} to {copy.folder}:")
    yield Rows(
        tuple(
            (name, f"{f'called {original} there; ' * (name != original)}SHA-256 {copy.digests.get(name, 'not known')}")
            for name, original in files.items()
        )
    )
    for name, original in files.items():
        if name == original and name.lower().endswith(".vmx"):
            to = f"root@{copy.host}:{quoted_word(f'{copy.path}/{original}')}"
            yield Commands((("scp", "-p", quoted_word(f"{copy.folder}/{name}"), to),))


def about(volume: VolumeFacts, lun: Lun) -> str:
    """A LUN's size, serial and maps."""
    maps = ", ".join(f"igroup {one.igroup} as LUN id {one.id} ({one.protocol})" for one in volume.maps_of(lun.path))
    clone = f", a clone that rests on {lun.backed_by}" if lun.backed_by else ""
    size = f"{lun.size / _GB:.1f} GB" if lun.size >= _GB else f"{lun.size // _MB} MB"
    return f"{size} ({lun.size} bytes), serial '{lun.serial}', {maps or 'not mapped'}{clone}"


def _consistent(facts: BookFacts, verdict: Verdict) -> str:
    if verdict.state == QUIESCED:
        return (
            "The consistent disk is the base disk, for an RDM the LUN itself: it holds the state of the VM snapshot "
            f"{facts.vm_snapshot}, taken before the filer's. With the LUN restored and VMFS left alone, today's vmx "
            "names the base disk: edit nothing, power on. With VMFS or the whole volume restored, the vmx names a "
            "delta that is torn: see D before you power on."
        )
    return (
        "This VM was not quiesced: its disks are crash-consistent, as after a power cut. chkdsk or fsck may run at "
        "the first start. If its folder in a restored VMFS has a -delta.vmdk file, do as in D before you power on."
    )


def files(facts: BookFacts, volume: VolumeFacts, lun: Lun, backup: Present, shell: Shell) -> Iterator[Block]:
    """Way A: a clone of the LUN for a helper."""
    helper = _helper(facts, volume, lun)
    serial, _ = _spare(facts, lun)
    yield Heading(3, f"A. Files of {lun.path}")
    yield Paragraph(
        f"{'Make the igroup HELPER for a helper first. ' * (helper == 'HELPER')}Rescan the helper, add the disk there "
        f"(to a helper VM as a second disk), copy the files. Shown to igroup {helper}. Lost: nothing."
    )
    mount = ways.mounted(lun, backup.name, facts.run, helper, volume, serial)
    yield shell.steps(mount)
    yield Paragraph("Remove the disk from the helper, then take the clone down:")
    yield shell.steps(ways.taken_down(lun, facts.run, helper))


def _ways(facts: BookFacts, volume: VolumeFacts, lun: Lun, backup: Present, shell: Shell) -> Iterator[Block]:
    yield from files(facts, volume, lun, backup, shell)
    yield Heading(3, f"B. {lun.path} in place")
    yield Paragraph(f"Lost: what was written to it since {backup.date}. Newer backups stay.")
    yield shell.steps(ways.in_place(lun, backup.name, volume))
    yield Paragraph("Done when the tag (busy,snap restore) is gone:")
    yield Commands((shell.line(f"snap list -n {volume.volume}"),))
    yield Heading(3, f"C. {lun.path} swapped")
    _, aside = _spare(facts, lun)
    if not aside:
        yield Paragraph("Its serial is not known, so a clone cannot stand in for it: use A or B.")
        return
    old = ways.clone_path(lun, "old", facts.run)
    yield Paragraph(f"Lost: nothing yet; what was written since {backup.date} stays in {old}.")
    yield shell.steps(ways.swapped(lun, backup.name, facts.run, volume, aside))
    yield Paragraph(
        "When the VM works again, free the snapshot; destroy the old LUN only when nobody needs it any more:"
    )
    yield shell.steps(ways.independent(lun, facts.run))


def _spare(facts: BookFacts, lun: Lun) -> tuple[str, str]:
    """Serials for a clone of the LUN, and for the LUN itself when it moves aside; "": its own is not known."""
    return ways.spare_serials(one for other in facts.volumes for one in other.luns).get(lun.path, ("", ""))


def _helper(facts: BookFacts, volume: VolumeFacts, lun: Lun) -> str:
    """An initiator group for the clone: somebody is logged in there, and it does not see the LUN itself."""
    sees = {one.igroup for one in volume.maps_of(lun.path)}
    ready = [one.name for one in facts.igroups if any(inn for _, inn in one.initiators) and one.name not in sees]
    return ready[0] if ready else "HELPER"

"""The run-book of a backup: the commands that bring each VM back by hand, without snapall and VirtualCenter. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from snapall.backup.model import Vm
from snapall.backup.outcome import Verdict
from snapall.restore.belongs import owners, unclaimed
from snapall.restore.book import vm as bookvm
from snapall.restore.book.blocks import Block, Commands, Heading, Paragraph, Rows
from snapall.restore.book.facts import BookFacts, Present, VolumeFacts
from snapall.restore.book.words import Shell, console, vmx_path
from snapall.restore.steps import LunStep, RestoreVolume
from snapall.restore.vmx.names import VmCopy


def runbook(
    facts: BookFacts,
    present: Sequence[Present],
    command: Callable[[LunStep], str],
    proof: str = "",
    copies: Sequence[VmCopy] = (),
) -> tuple[Block, ...]:
    """The whole run-book. `present`: the backup's names now; `command`: the filer's own command for a step.

    `proof` says when the backup was last proved readable; "" never. `copies`: its vmx copies, each with the path of its
    folder.
    """
    shell = Shell(facts.filer.words, command)
    names = {one.volume: one for one in present}
    vms, owner = [one.vm for one in facts.verdicts], owners_of(facts)
    blocks = [*_title(facts, present, proof), *_first(facts, present, shell), *_choice()]
    for verdict in sorted(facts.verdicts, key=lambda one: (one.vm.name or "", one.vm.id)):
        luns = [
            (volume, lun)
            for volume in facts.volumes
            for lun in volume.luns
            if owner[lun.path] == verdict.vm and volume.volume in names
        ]
        copy = next((one for one in copies if one.vm.id == verdict.vm.id), None)
        blocks += bookvm.of_vm(facts, verdict, luns, names, shell, copy)
    others = [(volume, lun) for volume in facts.volumes for lun in volume.luns if owner[lun.path] not in vms]
    blocks += [
        *_others(facts, owner, others, names, shell),
        *_volumes(facts, names, shell),
        *_elsewhere(facts, names, shell),
    ]
    return tuple(blocks)


def owners_of(facts: BookFacts) -> dict[str, Vm | None]:
    """The VM of each LUN; None: of no VM that is known."""
    paths = [lun.path for volume in facts.volumes for lun in volume.luns]
    given = {one.vm: one.paths for one in facts.given}
    return owners(paths, [one.vm for one in facts.verdicts], given, facts.others)


def _title(facts: BookFacts, present: Sequence[Present], proof: str) -> Iterator[Block]:
    yield Heading(1, f"Run-book of job {facts.job}, backup {present[0].name if present else facts.run}")
    late = ", later than the backup: paths, ids and serials may differ" if facts.late else ""
    names = tuple((f"on volume {one.volume}", f"snapshot {one.name}, dated {one.date}") for one in present)
    yield Rows(
        (
            ("made by run", f"{facts.run} (UTC)"),
            ("grade", facts.grade),
            *names,
            ("filer", f"{facts.filer.host} ({facts.filer.transport})"),
            ("LUNs read", facts.read_at + late),
            ("last proof", proof or "none: nobody has yet proved that this backup can be read"),
        )
    )
    yield Paragraph(
        "Every command below is complete: type it as it stands, on any machine with a POSIX shell that reaches the "
        "filer. The login needs the rights to run lun, igroup, snap and vol options. Filer commands are silent when "
        "they work: check each with `lun show -v` and `lun show -m`. The commands follow the documentation of Data "
        "ONTAP 7-Mode and ESX 3, and were tried on a simulated filer only: read every answer."
    )
    for one in facts.troubles:
        yield Paragraph(f"NOT READ: {one}. What depends on it is missing below.")


def _first(facts: BookFacts, present: Sequence[Present], shell: Shell) -> Iterator[Block]:
    yield Heading(2, "Before anything")
    yield Paragraph(
        "1. Stop the nightly backup: each new backup moves the names of the older ones. Then find this backup by its "
        "date. Where its name has moved, write the new name into the commands below."
    )
    yield Commands(tuple(shell.line(f"snap list -n {one.volume}") for one in present))
    yield Rows(tuple((one.volume, f"the row dated {one.date}; it was called {one.name}") for one in present))
    yield Paragraph("2. See the LUNs as they are now, and which hosts are logged in.")
    yield Commands(tuple(shell.line(one) for one in ("lun show -v", "lun show -m", "igroup show")))
    yield Paragraph(
        "3. Never restore a LUN under a VM that runs, or that has any VM snapshot now: the snapshot's delta belongs "
        "to the newer content, and ESX powers on into corruption without a word. Delete such a snapshot first."
    )
    yield Paragraph(
        "4. HELPER stands for the helper host, and vmhba1 for the adapter of a host: `esxcfg-vmhbadevs` lists them. "
        "Software iSCSI is vmhba40 on ESX 3.0, and vmhba32 or vmhba33 on 3.5."
    )
    if facts.igroups:
        yield Rows(tuple((f"igroup {one.name}", _igroup(one.protocol, one.initiators)) for one in facts.igroups))


def _igroup(protocol: str, initiators: Sequence[tuple[str, bool]]) -> str:
    return f"{protocol}: {', '.join(name + ('' if inn else ' (not logged in)') for name, inn in initiators) or 'empty'}"


def _choice() -> Iterator[Block]:
    yield Heading(2, "Which way")
    yield Rows(
        (
            ("A. files", "some files of a VM: show a clone to a helper, copy. Nothing is lost, no licence needed"),
            ("B. in place", "a whole disk: the filer's SnapRestore licence. What was written since is lost"),
            ("C. swap", "the same without the licence; the disk as it is now is kept under another name"),
            ("D. volume", "every VM of a volume at once: SnapRestore licence. All newer snapshots are lost"),
        )
    )
    yield Paragraph(
        "After B and after the split of C the filer works on in the background, and refuses new snapshots of that "
        "volume meanwhile. Restore all disks of a VM from one backup."
    )


def _others(
    facts: BookFacts,
    owner: Mapping[str, Vm | None],
    others: Sequence[bookvm.Found],
    names: Mapping[str, Present],
    shell: Shell,
) -> Iterator[Block]:
    yield Heading(2, "LUNs of no VM of this backup", page=True)
    yield Paragraph(
        "VMFS datastores, LUNs of VMs that this job does not back up, or LUNs whose VM is not known. A VMFS LUN holds "
        "the files of many VMs: never restore it for one of them. For an old vmx show a clone to ONE helper host, set "
        "EnableResignature there, rescan, set it back at once, copy the file, and take the clone down."
    )
    yield Rows(
        tuple((lun.path, _whose(owner[lun.path]) + bookvm.about(volume, lun)) for volume, lun in others)
        or (("none", ""),)
    )
    for key in unclaimed(
        [*(one.vm for one in facts.verdicts), *facts.others], {one.vm: one.paths for one in facts.given}
    ):
        yield Paragraph(f"`luns` of the job names {key}, which is no VM of this backup.")
    yield Commands(
        (
            console("HELPER", "esxcfg-advcfg -s 1 /LVM/EnableResignature"),
            console("HELPER", "esxcfg-rescan vmhba1"),
            console("HELPER", "esxcfg-advcfg -s 0 /LVM/EnableResignature"),
            console("HELPER", "ls /vmfs/volumes"),
        )
    )
    for volume, lun in others:
        if volume.volume in names:
            yield from bookvm.files(facts, volume, lun, names[volume.volume], shell)


def _whose(vm: Vm | None) -> str:
    return f"of VM {vm.label}, which this job does not back up; " if vm is not None else ""


def _volumes(facts: BookFacts, names: Mapping[str, Present], shell: Shell) -> Iterator[Block]:
    yield Heading(2, "D. A whole volume", page=True)
    yield Paragraph(
        "Power off every VM with a disk on the volume first. All LUNs vanish for a moment and come back with their "
        "ids and serials as of the backup. Lost: all that was written since, LUNs made since, and every newer "
        "snapshot. With a SnapMirror or SnapVault relation, read the last section first."
    )
    for volume in facts.volumes:
        if volume.volume not in names:
            continue
        name = names[volume.volume].name
        yield Rows(((volume.volume, f"newer when this was read: {_newer(volume, names[volume.volume])}"),))
        yield shell.steps([RestoreVolume(volume.volume, name)])
        yield Commands((shell.line(f"vol status {volume.volume}"),))
    yield Paragraph(
        "Rescan all hosts. The vmx of each quiesced VM then names a snapshot disk (VM-000001.vmdk): do not power on. "
        "In the Snapshot Manager go to the snapshot named below, which drops the torn delta, then delete it. By hand: "
        "point scsi0:0.fileName at VM.vmdk in the vmx, and move the delta and the vmsd away."
    )
    yield Rows((("snapshot", facts.vm_snapshot),))
    files = {one.vm: one.vmx for one in facts.files}
    yield Commands(tuple(_register(one, files[one.vm.id]) for one in facts.verdicts if one.vm.id in files))


def _register(verdict: Verdict, vmx: str) -> tuple[str, ...]:
    return console(verdict.vm.host or "ESXHOST", f"vmware-cmd -s register {vmx_path(vmx)}")


def _newer(volume: VolumeFacts, one: Present) -> str:
    dates = [row.date for row in volume.snapshots]
    found = volume.snapshots[: dates.index(one.date)] if one.date in dates else ()
    return ", ".join(f"{row.name} ({row.date})" for row in found) or "none"


def _elsewhere(facts: BookFacts, names: Mapping[str, Present], shell: Shell) -> Iterator[Block]:
    yield Heading(2, "Tape, and the copy on another filer")
    yield Paragraph(
        "To put this backup on tape, point dump or the NDMP application at it; a single LUN is one file there. The "
        "snapshot then has the tag dump until that ends. TAPE is a device such as nrst0a, TARGET another filer."
    )
    for volume in facts.volumes:
        if volume.volume in names:
            folder = f"/vol/{volume.volume}/.snapshot/{names[volume.volume].name}"
            luns = tuple(f"{folder}/{'/'.join(lun.path.split('/')[3:])}" for lun in volume.luns)
            yield Rows((("NDMP path", folder), *(("of a LUN", one) for one in luns)))
            yield Commands(tuple(shell.line(f"dump 0f TAPE {one}") for one in (folder, *luns[:1])))
            yield Commands(tuple(shell.line(f"ndmpcopy {one} TARGET:/vol/VOLUME/restored") for one in luns[:1]))
    yield Paragraph(
        "When this filer is gone: a SnapMirror copy has all snapshots under the same names. On the destination filer "
        "DST, volume MIRROR: see the state, stop the transfers, make the copy writable, then map its LUNs with the "
        "ids and serials above. Break ends the relation: nobody but you decides that."
    )
    steps = ("snapmirror status -l MIRROR", "snapmirror quiesce MIRROR", "snapmirror break MIRROR", "lun show -v")
    yield Commands(tuple(shell.line(one, host="DST") for one in steps))
    yield Paragraph("Before a volume restore on a source, try what the relation would do: snapmirror resync -n on DST.")

"""What to do on a helper machine once a clone is mapped, or before it is taken down (restore.md, section 6). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.restore.mounted import MountedLun


Advice = tuple[tuple[str, str], ...]
"""Paragraphs, each a label ("" for none) and its text; the view breaks them into lines."""


def to_see(luns: Sequence[MountedLun]) -> Advice:
    """How a host comes to see the mapped clones."""
    ids = ", ".join(str(one.lun_id) for one in luns if one.lun_id is not None)
    return (
        ("", f"The hosts of the initiator group see the clones as LUN {ids} after a rescan:"),
        (
            "  ESX 3:     ",
            (
                "esxcfg-rescan vmhbaN; esxcfg-vmhbadevs lists the devices. Add the LUN to a helper VM as a raw device "
                "mapping (virtual), as its second disk. A copy of a VMFS is ignored until it is re-signed: on one "
                "helper host alone, esxcfg-advcfg -s 1 /LVM/EnableResignature, rescan, and set 0 at once."
            ),
        ),
        (
            "  Linux:     ",
            (
                'echo "- - -" > /sys/class/scsi_host/hostN/scan; mount -o ro,noload (ext3) or ro,norecovery (XFS); '
                "vgimportclone first, where the disk holds an LVM that the host has already."
            ),
        ),
        (
            "  Windows:   ",
            "rescan in Disk Management, and bring the disk online; use a helper that lacks the original disk.",
        ),
        ("  SnapDrive: ", "connect the LUN by its path, or refresh the list of disks."),
        ("", "Copy the files that you need; the backup itself never changes."),
    )


def to_let_go() -> Advice:
    """What comes before `unmount`."""
    text = (
        "Before `snapall unmount`: unmount the file systems on the helper, remove the disk from the helper VM with its "
        "mapping file; on Linux, echo 1 > /sys/block/sdX/device/delete. Rescan the helper afterwards."
    )
    return (("", text),)


def after_restore(way: str, vm_snapshot: str) -> Advice:
    """What comes after a restore. `vm_snapshot`: what the backup's run called its VM snapshots; "" unknown."""
    called = vm_snapshot or "of that night, in its name Quiesce or what `vm_snapshot` says,"
    lines = ["Rescan all ESX hosts (esxcfg-rescan vmhbaN), then power the VM on."]
    if way == "volume":
        lines = [
            (
                "Rescan all ESX hosts (esxcfg-rescan vmhbaN). Do not power a VM on yet: the VMFS is as it was during "
                f"the backup, with the VM snapshots of that night. Of each quiesced VM, go to its snapshot {called} in "
                "the Snapshot Manager, then delete that snapshot: its delta is torn. Then power the VM on."
            ),
        ]
    lines.append("The disk is as it was at the backup. Unless the VM was quiesced then, let chkdsk or fsck run.")
    if way == "swap":
        lines.append("The old LUN is kept as snapall_old_*: destroy it when the VM is well.")
    if way in {"file", "swap"}:
        lines.append("The filer copies on in the background; until it ends, no backup of this volume can be taken.")
    return tuple(("", line) for line in lines)


def by_file(job: str, snapshot: str, luns: Sequence[str]) -> Advice:
    """How to get a file out of a backup."""
    return (
        ("1. ", f"snapall mount {job} {snapshot} {_options(luns)} --igroup HELPER"),
        ("2. ", "Copy the file from the disk that the helper then sees; `mount` prints how."),
        ("3. ", "snapall unmount ID, with the id that `mount` printed."),
    )


def by_copy(job: str, snapshot: str, luns: Sequence[str]) -> Advice:
    """How to copy a backup over the original on a host."""
    return (
        ("1. ", f"snapall mount {job} {snapshot} {_options(luns)} --igroup HELPER"),
        ("2. ", "Shut the VM down, and map the original LUN to the helper as well, while no other host uses it."),
        ("3. ", "On the helper, identify both disks by their serials, then copy all of the clone over the original:"),
        ("   ", "dd if=/dev/CLONE of=/dev/ORIGINAL bs=1M"),
        ("4. ", "Unmap the original from the helper, run `snapall unmount`, rescan, and power the VM on."),
    )


def _options(luns: Sequence[str]) -> str:
    return " ".join(f"--lun {one}" for one in luns)

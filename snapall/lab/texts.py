"""Every text that the simulated systems print, in one table, so that a sample of a real one corrects it here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Wording:
    """A text with its source; `{0}` and `{1}` are filled in."""

    text: str
    attested: bool  # by a transcript or vendor documentation; otherwise a guess that a real sample may correct


class Says(Enum):
    """What vcbsnapshot and the filer print."""

    # vcbsnapshot. No source shows how it words VirtualCenter's faults.
    SSID = Wording("SsId:{0}", attested=True)
    REMOVED = Wording("Snapshot ssid:{0} deleted", attested=False)
    ERROR = Wording("Error: Other error encountered: {0}", attested=False)
    LOGIN = Wording("Cannot complete login due to an incorrect user name or password. (user='{0}')", attested=False)
    UNREACHABLE = Wording("Unable to communicate with the remote host, since it is disconnected", attested=False)
    TEMPLATE = Wording("operation not supported on a template moref:vm-{0}", attested=False)
    NO_VM = Wording(
        "The object 'vim.VirtualMachine:vm-{0}' has already been deleted or has not been completely created",
        attested=True,
    )
    NO_VM_SNAPSHOT = Wording(
        "The object 'vim.vm.Snapshot:{0}' has already been deleted or has not been completely created", attested=True
    )
    TASK = Wording("Operation failed since another task is in progress", attested=True)
    TOO_DEEP = Wording("Too many snapshot levels: moref:vm-{0} has {1} snapshots", attested=False)
    NOT_FOUND = Wording("Snapshot not found: {0}", attested=False)
    FAILED = Wording("The attempted operation cannot be performed in the current state.", attested=True)
    VCB_USAGE = Wording(
        "usage: vcbsnapshot -h HOST [-u USER -p PASSWORD] -c VM NAME | -d VM ssid:ID | -f VM NAME", attested=False
    )
    LOG_LINE = Wording("[{0} 'vcbSnapshot' 2052 info] {1}", attested=True)

    # The filer: Data ONTAP 7-Mode, as public documents and transcripts show it.
    CREATING = Wording("creating snapshot...", attested=True)
    DELETING = Wording("deleting snapshot...", attested=True)
    RENAMED = Wording("", attested=False)
    EXISTS = Wording("Snapshot already exists.", attested=True)
    ABSENT = Wording("No such snapshot.", attested=True)
    BUSY = Wording("Snapshot {0} is busy because of {1}", attested=True)
    READ_ONLY = Wording("Snapshot operation not allowed on a read-only volume.", attested=True)
    FULL = Wording("snap create: No space left on device", attested=False)
    LIMIT = Wording("snap create: The maximum number of snapshots ({0}) already exists.", attested=False)
    NO_VOLUME = Wording("{0}: Volume {1} does not exist.", attested=False)
    NO_VOLUME_STATUS = Wording("vol status: No volume named '{0}' exists.", attested=False)
    OFFLINE = Wording("{0}: Volume {1} is offline.", attested=False)
    OPERATION_FAILED = Wording("{0}: operation failed", attested=False)
    UNKNOWN_COMMAND = Wording("{0} not found.  Type '?' for a list of commands", attested=True)
    USAGE_CREATE = Wording("usage:\nsnap create [-A | -V] <vol-name> <snapshot-name>", attested=False)
    USAGE_DELETE = Wording("usage:\nsnap delete [-A | -V] <vol-name> <snapshot-name>", attested=False)
    USAGE_RENAME = Wording("usage:\nsnap rename [-A | -V] <vol-name> <old-name> <new-name>", attested=False)
    USAGE_LIST = Wording("usage:\nsnap list [-n] [<vol-name>]", attested=False)
    USAGE_SNAP = Wording("usage:\nsnap create | delete | list | rename | reserve | sched", attested=False)
    NO_SNAPSHOTS = Wording("No snapshots exist.", attested=True)
    TITLE = Wording("Volume {0}", attested=True)
    HEADING = Wording("  %/used       %/total  date          name", attested=True)
    RULE = Wording("----------  ----------  ------------  --------", attested=True)
    HEADING_N = Wording("date          name", attested=True)
    RULE_N = Wording("------------  --------", attested=True)
    HEADING_DF = Wording("Filesystem              kbytes       used      avail capacity  Mounted on", attested=True)
    NO_VOLUME_DF = Wording("df: No volume named '{0}' exists.", attested=False)
    RESERVE = Wording("Volume {0}: current snapshot reserve is {1}% or {2} k-bytes.", attested=True)
    SCHEDULE = Wording("Volume {0}: {1}", attested=True)
    AUTODELETE = Wording("snapshot autodelete settings for {0}:", attested=True)
    RSH_DENIED = Wording("Permission denied.", attested=False)

    def __call__(self, *arguments: object) -> str:
        """The text, filled in."""
        return self.value.text.format(*arguments)


BUSY_REASONS = {"LUNs": "LUN clone", "snapmirror": "snapmirror", "snapvault": "snapvault", "vclone": "volume clone"}
"""Why a snapshot is busy, by its tag in the list; only the LUN clone is attested."""

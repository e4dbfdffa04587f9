"""Every text that the simulated systems print, in one table, so that a sample of a real one corrects it here."""

from __future__ import annotations

from enum import Enum


class Says(Enum):
    """What vcbsnapshot and the filer print; `{0}` and `{1}` are filled in.

    "Attested" is a text that a transcript or the vendor's documentation shows.
    """

    # Attested of vcbsnapshot.
    SSID = "SsId:{0}"
    NO_VM = "The object 'vim.VirtualMachine:vm-{0}' has already been deleted or has not been completely created"
    NO_VM_SNAPSHOT = "The object 'vim.vm.Snapshot:{0}' has already been deleted or has not been completely created"
    TASK = "Operation failed since another task is in progress"
    FAILED = "The attempted operation cannot be performed in the current state."
    LOG_LINE = "[{0} 'vcbSnapshot' 2052 info] {1}"

    # Guessed of vcbsnapshot; a real sample may correct them. No source shows how it words VirtualCenter's faults.
    REMOVED = "Snapshot ssid:{0} deleted"
    ERROR = "Error: Other error encountered: {0}"
    LOGIN = "Cannot complete login due to an incorrect user name or password. (user='{0}')"
    UNREACHABLE = "Unable to communicate with the remote host, since it is disconnected"
    TEMPLATE = "operation not supported on a template moref:vm-{0}"
    TOO_DEEP = "Too many snapshot levels: moref:vm-{0} has {1} snapshots"
    NOT_FOUND = "Snapshot not found: {0}"
    VCB_USAGE = "usage: vcbsnapshot -h HOST [-u USER -p PASSWORD] -c VM NAME | -d VM ssid:ID | -f VM NAME"

    # Attested of the filer, Data ONTAP 7-Mode.
    CREATING = "creating snapshot..."
    DELETING = "deleting snapshot..."
    EXISTS = "Snapshot already exists."
    ABSENT = "No such snapshot."
    BUSY = "Snapshot {0} is busy because of {1}"
    READ_ONLY = "Snapshot operation not allowed on a read-only volume."
    UNKNOWN_COMMAND = "{0} not found.  Type '?' for a list of commands"
    NO_SNAPSHOTS = "No snapshots exist."
    TITLE = "Volume {0}"
    HEADING = "  %/used       %/total  date          name"
    RULE = "----------  ----------  ------------  --------"
    HEADING_N = "date          name"
    RULE_N = "------------  --------"
    HEADING_DF = "Filesystem              kbytes       used      avail capacity  Mounted on"
    RESERVE = "Volume {0}: current snapshot reserve is {1}% or {2} k-bytes."
    SCHEDULE = "Volume {0}: {1}"
    AUTODELETE = "snapshot autodelete settings for {0}:"

    # Guessed of the filer, Data ONTAP 7-Mode; a real sample may correct them.
    RENAMED = ""
    FULL = "snap create: No space left on device"
    LIMIT = "snap create: The maximum number of snapshots ({0}) already exists."
    NO_VOLUME = "{0}: Volume {1} does not exist."
    NO_VOLUME_STATUS = "vol status: No volume named '{0}' exists."
    OFFLINE = "{0}: Volume {1} is offline."
    OPERATION_FAILED = "{0}: operation failed"
    USAGE_CREATE = "usage:\nsnap create [-A | -V] <vol-name> <snapshot-name>"
    USAGE_DELETE = "usage:\nsnap delete [-A | -V] <vol-name> <snapshot-name>"
    USAGE_RENAME = "usage:\nsnap rename [-A | -V] <vol-name> <old-name> <new-name>"
    USAGE_LIST = "usage:\nsnap list [-n] [<vol-name>]"
    USAGE_SNAP = "usage:\nsnap create | delete | list | rename | reserve | sched"
    NO_VOLUME_DF = "df: No volume named '{0}' exists."
    RSH_DENIED = "Permission denied."

    def __call__(self, *arguments: object) -> str:
        """The text, filled in."""
        return self.value.format(*arguments)


BUSY_REASONS = {"LUNs": "LUN clone", "snapmirror": "snapmirror", "snapvault": "snapvault", "vclone": "volume clone"}
"""Why a snapshot is busy, by its tag in the list; only the LUN clone is attested."""

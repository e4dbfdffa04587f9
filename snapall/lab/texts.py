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
    BLOCKED = "Snapshot operation not allowed due to clones backed by snapshots. Try again after sometime."
    HEADING_MAPS = "LUN path                            Mapped to          LUN ID  Protocol"
    REVERTED = "volume {0}: revert successful."
    TRANSFER_STARTED = "Transfer started.\nMonitor progress with '{0} status' or the snapmirror log."
    HEADING_MIRRORS = "Source                   Destination               State          Lag        Status"
    MIRROR_ON = "{0} is on."
    ASKS_VOLUME = (
        "\nWARNING! This will revert the volume to a previous snapshot.\n"
        "All modifications to the volume after the snapshot will be\nirrevocably lost.\n\n"
        "volume {0} will be made restricted briefly before coming back online.\n\n"
        "Are you sure you want to do this? "
    )
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
    USAGE_SNAP = "usage:\nsnap create | delete | list | rename | reserve | restore | sched"
    NO_LUN = "{0}: {1}: No such LUN exists"
    NO_IGROUP = "{0}: {1}: No such initiator group exists"
    ALREADY_MAPPED = "lun map: {0}: LUN already mapped to this group"
    ID_TAKEN = "lun map: {0}: the LUN ID is already in use in initiator group {1}"
    NOT_MAPPED = "lun unmap: {0}: LUN is not mapped to this group"
    ALREADY_ONLINE = "lun online: {0}: LUN is already online"
    ALREADY_OFFLINE = "lun offline: {0}: LUN is already offline"
    NOT_OFFLINE = "{0}: {1}: LUN must be offline"
    IN_USE = "lun destroy: {0}: LUN is online and mapped"
    OTHER_VOLUME = "{0}: {1}: must be in the same volume"
    LUN_EXISTS = "{0}: {1}: LUN already exists"
    BAD_SERIAL = "lun serial: {0}: Invalid serial number"
    SERIAL = "Serial#: {0}"
    COMMENT = "Comment: {0}"
    SPLITTING = "{0}: {1}: LUN clone split is already in progress"
    NO_CLONE = "{0}: {1}: LUN is not a clone"
    NO_SPLIT = "No split is currently in progress for the given resource."
    SPLIT_STATUS = "{0}: {1}% Complete"
    NO_ROOM = "{0}: No space left on device"
    NOT_IN_SNAPSHOT = "{0}: No such LUN exists in snapshot {1}"
    NO_LICENSE = "{0} is not licensed."
    NO_OPTION = "vol options: No such option {0}"
    BAD_OPTION = "vol options: {0} must be on or off"
    ASKS_FILE = "\nWARNING! This will restore a file from a snapshot into the active filesystem.\n{0}\nAre you sure? "
    NO_RELATION = "{0}: {1}: no such destination"
    TRANSFER_UNDER_WAY = "{0}: {1}: Transfer aborted: transfer already in progress"
    HEADING_DESTINATIONS = "Path            Snapshot                         Destination"
    NO_COMMON = "source and destination have no common snapshot"
    UNINITIALIZED = "destination has not been initialized"
    BROKEN_OFF = "transfer aborted because of network error"
    NOT_SCHEDULED = "{0}: {1}: no schedule of this name, not created"
    USAGE_UPDATE = "usage:\n{0} update [-S <source> | -s <snapshot-name>] <destination>"
    USAGE_MIRROR = "usage:\n{0} status [-l] [<path>]\n{0} update <destination>"
    USAGE_LUN = "usage:\nlun clone | comment | destroy | map | move | offline | online | serial | show | snap | unmap"
    USAGE_CLONE = "usage:\nlun clone create <path> [-o noreserve] -b <parent> <snap>\nlun clone split start|status|stop"
    USAGE_SNAP_USAGE = "usage:\nlun snap usage [-s] <volume-name> <snapshot-name>"
    USAGE_IGROUP = "usage:\nigroup show [-v] [<initiator-group>]"
    USAGE_RESTORE = "usage:\nsnap restore [-f] [-t vol | file] -s <snapshot-name> <vol-name> | <path>"
    NO_VOLUME_DF = "df: No volume named '{0}' exists."
    RSH_DENIED = "Permission denied."

    def __call__(self, *arguments: object) -> str:
        """The text, filled in."""
        return self.value.format(*arguments)


BUSY_REASONS = {"LUNs": "LUN clone", "snapmirror": "snapmirror", "snapvault": "snapvault", "vclone": "volume clone"}
"""Why a snapshot is busy, by its tag in the list; only the LUN clone is attested."""

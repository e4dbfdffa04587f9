"""What can go wrong in the lab, as data, and the named faults of the demo."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class FaultKind(StrEnum):
    """What a fault does to the call that it strikes."""

    # One of these decides what becomes of the call.
    FAIL = "fail"  # does not act; answers `text` (a fitting one when empty); vcbsnapshot exits 1
    REFUSE = "refuse"  # does not act; the connection is closed before the command was taken; vcbsnapshot exits 1
    HANG = "hang"  # does not act; ends without an answer after `seconds`
    LIE = "lie"  # does not act, and answers as if it had; vcbsnapshot prints the id `snapshot`, if one is given
    DROP = "drop"  # does not act; the connection is closed after the command was taken
    SLOW = "slow"  # acts at once, answers after `seconds`
    DELAY = "delay"  # vcbsnapshot acts after `seconds`, and answers then
    ACT_LATE = "act_late"  # ends without an answer after `wait`; acts `seconds` after the call, even if its caller died
    ACT_NO_ANSWER = "act_no_answer"  # acts; the answer is lost, vcbsnapshot exits `exit` (0)
    NO_SSID = "no_ssid"  # acts; vcbsnapshot exits 0 and prints other lines, but no SsId
    ANOTHERS_ID = "anothers_id"  # acts; vcbsnapshot prints the id `snapshot` instead (the oldest other one when empty)
    GARBAGE = "garbage"  # acts; answers `text` instead
    HALF = "half"  # acts; the answer is cut in the middle, and the connection closed
    # Any number of the following come beside it, and leave the call to its fate.
    SIGNAL = "signal"  # before the call acts, the process `victim` gets `signal`: SIGKILL ends it, SIGSTOP freezes it
    SIGNAL_AFTER = "signal_after"  # the same after the call acted, before it is answered
    DISK_FULL = "disk_full"  # before the call the files of the process `victim` can no longer grow (Linux)
    LAG = "lag"  # VPX_SNAPSHOT shows the change `seconds` later; with 0 seconds: after the next filer command
    DATABASE_DOWN = "database_down"  # after the call virtualcenter.db cannot be reached, for `seconds` (0: for good)
    DATABASE_UP = "database_up"  # after the call it can be reached again
    TAG = "tag"  # before the call the filer snapshots called `snapshot` get the tags `text` ("" takes them away)
    VANISH = "vanish"  # before the call the filer snapshots called `snapshot` are gone, as by snap autodelete
    MANUAL = "manual"  # before the call an administrator takes a snapshot called `snapshot` of its VM
    UNREGISTER = "unregister"  # before the call its VM is unregistered: its files stay, its snapshots among them
    MOVE = "move"  # before the call its VM moves to the next host

    PANIC = "panic"  # before the call the filer panics: background work begins anew, transfers break off
    BREAK_OFF = "break_off"  # before the call the transfers of mirrors and vaults break off, because of `text`

    @property
    def decides(self) -> bool:
        """Whether it decides what becomes of the call."""
        return list(FaultKind).index(self) < list(FaultKind).index(FaultKind.SIGNAL)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it strikes `times` matching calls from the `nth` on (`times` 0: all of them).

    `on` is a verb (`vcbsnapshot create`, `vcbsnapshot delete`, `vcbsnapshot find`, `snap create`, `snap rename`,
    `snap delete`, `snap list`, `version`, `vol status`, `lun clone create`, `lun map`, `snapmirror update`, `login` and
    so on), its first words for all of its kind, or `filer` for any filer command. `vm` and `match` (a part of the
    command, as `vmware_recent` or `vmware_previous vmware_snap3`) narrow it. `seconds` and `wait` pass on the lab's
    clock.
    """

    on: str
    kind: FaultKind
    nth: int = 1
    times: int = 1
    vm: int | None = None
    match: str = ""
    seconds: float = 0.0
    wait: float = 0.0
    exit: int | None = None
    text: str = ""
    snapshot: str = ""
    victim: int = 0
    signal: int = 9

    def concerns(self, verb: str, vm: int | None, argv: Sequence[str]) -> bool:
        """Whether a call is one that this fault counts."""
        ours = self.on == verb or verb.startswith(self.on + " ")
        filers = self.on == "filer" and verb != "login" and not verb.startswith("vcbsnapshot")
        narrowed = (self.vm is None or self.vm == vm) and self.match in " ".join(argv)
        return (ours or filers) and narrowed

    def strikes(self, count: int) -> bool:
        """Whether it strikes the matching call of this number, counted from 1."""
        return count >= self.nth and (self.times == 0 or count < self.nth + self.times)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Fault:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        return cls(**{**values, "kind": FaultKind(values["kind"])})


class Named:
    """Faults that the demo can be asked for by name."""

    def __init__(self, description: str, *faults: Fault) -> None:
        self.description = description
        self.faults = faults


CREATE, REMOVE = "vcbsnapshot create", "vcbsnapshot delete"
_TIMED_OUT = (
    "Cannot create a quiesced snapshot because the create snapshot operation exceeded the time limit for holding off"
    " I/O in the frozen virtual machine."
)
_OTHER_TASK = Fault(REMOVE, FaultKind.FAIL, text="Operation failed since another task is in progress")
_FULL = "snap create: No space left on device"
_OLDEST = "vmware_snap4"

NAMED: Mapping[str, Named] = {
    "vm-fails": Named(
        "one VM cannot be quiesced; the backup is partial", Fault(CREATE, FaultKind.FAIL, nth=2, text=_TIMED_OUT)
    ),
    "all-fail": Named("no VM can be quiesced, as with a dead VirtualCenter", Fault(CREATE, FaultKind.REFUSE, times=0)),
    "no-ssid": Named("a snapshot is taken, but vcbsnapshot does not print its id", Fault(CREATE, FaultKind.NO_SSID)),
    "lost-quiesce": Named(
        "vcbsnapshot dies after the snapshot was taken", Fault(CREATE, FaultKind.ACT_NO_ANSWER, exit=1)
    ),
    "late-quiesce": Named(
        "vcbsnapshot gives up at once, but VirtualCenter takes the snapshot three seconds later",
        Fault(CREATE, FaultKind.ACT_LATE, seconds=3),
    ),
    "release-fails": Named("the first removal of a VM snapshot fails, once", _OTHER_TASK),
    "task-in-progress": Named(
        "another task runs on a VM for some seconds when its snapshot is to be removed", replace(_OTHER_TASK, times=2)
    ),
    "vm-moves": Named(
        "VMotion moves a VM to another host while it is quiesced, and its removal fails once",
        Fault(REMOVE, FaultKind.MOVE),
        _OTHER_TASK,
    ),
    "vm-unregistered": Named(
        "a VM is unregistered while it is quiesced: its snapshot stays among its files",
        Fault(REMOVE, FaultKind.UNREGISTER),
    ),
    "rows-stay": Named(
        "VPX_SNAPSHOT lists removed snapshots for two more seconds", Fault(REMOVE, FaultKind.LAG, times=0, seconds=2)
    ),
    "stuck-vm": Named("no VM snapshot can be removed", Fault(REMOVE, FaultKind.FAIL, times=0)),
    "database-lags": Named(
        "VPX_SNAPSHOT lists new snapshots only after the capture", Fault(CREATE, FaultKind.LAG, times=0)
    ),
    "database-down-after-capture": Named(
        "the VirtualCenter database goes down right after the capture", Fault("snap create", FaultKind.DATABASE_DOWN)
    ),
    "filer-down": Named("the filer refuses every connection", Fault("login", FaultKind.REFUSE, times=0)),
    "filer-drops": Named(
        "the filer closes the connection at `snap create`, without acting", Fault("snap create", FaultKind.DROP)
    ),
    "lost-capture": Named(
        "the filer takes the snapshot, but its answer is lost", Fault("snap create", FaultKind.ACT_NO_ANSWER)
    ),
    "late-capture": Named(
        "the filer's answer is lost, and it takes the snapshot a second later",
        Fault("snap create", FaultKind.ACT_LATE, seconds=1),
    ),
    "volume-full": Named(
        "the volume has no space for a snapshot", Fault("snap create", FaultKind.FAIL, times=0, text=_FULL)
    ),
    "capture-hangs": Named("the filer never answers `snap create`", Fault("snap create", FaultKind.HANG, seconds=3600)),
    "busy-oldest": Named(
        "a LUN clone keeps the oldest snapshot busy for good",
        Fault("snap list", FaultKind.TAG, snapshot=_OLDEST, text="busy,LUNs"),
    ),
    "busy-a-while": Named(
        "a SnapMirror transfer keeps the oldest snapshot busy for a while",
        Fault("snap list", FaultKind.TAG, snapshot=_OLDEST, text="busy,snapmirror"),
        Fault("snap list", FaultKind.TAG, nth=4, snapshot=_OLDEST),
    ),
    "rename-fails": Named(
        "the filer drops the connection at the second rename", Fault("snap rename", FaultKind.DROP, nth=2)
    ),
}

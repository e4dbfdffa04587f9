"""What goes wrong while a backup is used, and how often administrators use one; as data."""

from __future__ import annotations

from snapall.lab.faults import Fault, FaultKind

HOUR = 3600.0

QUIET = 60
USE_FAULTS: dict[str, tuple[int, tuple[Fault, ...]]] = {
    "clone-lost": (2, (Fault("lun clone create", FaultKind.ACT_NO_ANSWER),)),
    "clone-late": (2, (Fault("lun clone create", FaultKind.ACT_LATE, seconds=100, wait=5),)),
    "clone-refused": (1, (Fault("lun clone create", FaultKind.FAIL),)),
    "serial-says-yes": (1, (Fault("lun serial", FaultKind.LIE),)),
    "map-lost": (2, (Fault("lun map", FaultKind.ACT_NO_ANSWER),)),
    "map-late": (2, (Fault("lun map", FaultKind.ACT_LATE, seconds=90, wait=5),)),
    "map-refused": (1, (Fault("lun map", FaultKind.FAIL),)),
    "unmap-late": (2, (Fault("lun unmap", FaultKind.ACT_LATE, seconds=80, wait=5),)),
    "offline-hangs": (1, (Fault("lun offline", FaultKind.HANG, seconds=HOUR),)),
    "move-lost": (2, (Fault("lun move", FaultKind.ACT_NO_ANSWER),)),
    "second-move-refused": (2, (Fault("lun move", FaultKind.FAIL, nth=2),)),
    "destroy-refused": (2, (Fault("lun destroy", FaultKind.FAIL, times=0),)),
    "destroy-lost": (2, (Fault("lun destroy", FaultKind.ACT_NO_ANSWER),)),
    "split-refused": (1, (Fault("lun clone split start", FaultKind.FAIL),)),
    "split-late": (1, (Fault("lun clone split start", FaultKind.ACT_LATE, seconds=60, wait=5),)),
    "restore-lost": (2, (Fault("snap restore", FaultKind.ACT_NO_ANSWER),)),
    "restore-late": (2, (Fault("snap restore", FaultKind.ACT_LATE, seconds=100, wait=5),)),
    "restore-refused": (1, (Fault("snap restore", FaultKind.FAIL),)),
    "maps-fail": (2, (Fault("lun show", FaultKind.FAIL, nth=4, times=2),)),
    "luns-torn": (2, (Fault("lun show", FaultKind.HALF, nth=5),)),
    "luns-away": (2, (Fault("lun show", FaultKind.DROP, nth=9, times=0),)),
    "filer-down-meanwhile": (2, (Fault("login", FaultKind.REFUSE, nth=12, times=0),)),
    "filer-slow-meanwhile": (2, (Fault("filer", FaultKind.SLOW, times=0, seconds=40),)),
    "panic": (2, (Fault("lun show", FaultKind.PANIC, nth=5),)),
}

# Of a hundred days so many on which an administrator uses a backup, and what for.
USED = 20
USES = (("mount", 9), ("kept", 2), ("split", 1), ("file", 4), ("swap", 3), ("careless", 2), ("volume", 3))
KILLED, SIGNALLED = 15, 5  # of a hundred such commands
LAST_TOUCH = 90
VERIFIED_EVERY = 6  # days
RECOVERED = 60  # of a hundred commands that leave something, so many are followed by `recover` at once
CLEANED_AFTER = (1, 5)  # days until an administrator destroys a LUN that a clone has replaced
MOUNTED_FOR, KEPT_FOR = (1, 6), (8, 20)  # days
COPYING = (600.0, 600.0, 600.0, 600.0, 600.0, 20 * HOUR)  # how long the filer copies

"""A filer snapshot as the year knows it, and what a command may do to the site's snapshots and LUNs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.year.lun_history import NOTHING, Use

TEMPORARY = re.compile(r"vmware_new_\d{8}T\d{6}Z-[a-z0-9]{4}")
OURS = re.compile(r"Quiesce(-\d{8}T\d{6}Z-[a-z0-9]{4})?")
OF_A_RELATION = re.compile(r".*\(\d+\)_.*\.\d+")  # a snapshot that SnapMirror or SnapVault makes for itself
NAMES = ("vmware_recent", "vmware_previous", *(f"vmware_snap{n}" for n in range(3, 9)))


@dataclass
class Snap:
    """A filer snapshot. `number` counts the world's snapshots; `run` is the number of the command that asked for it."""

    number: int
    volume: str
    ours: bool
    run: int = 0
    quiesced: frozenset[int] = frozenset()  # VMs that had this run's VM snapshot when it was taken
    temporary: str = ""  # the name under which it waited before it was published
    listed: bool = False  # whether `snap list` was answered since it is there
    touched: bool = False  # whether an operator gave it its name
    orphaned: bool = False  # whether no run can publish it: later than its run, or on a volume no longer configured


@dataclass(frozen=True)
class Rules:
    """What the configuration says while a command runs, as far as the world must obey it."""

    order: str
    chain: tuple[str, ...]
    volumes: tuple[str, ...]
    keep: str = ""
    undoes: bool = False  # whether a run in paper order is still open, so that its renames may be taken back
    use: Use = NOTHING  # what it may do to LUNs

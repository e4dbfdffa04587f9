"""The options of a site: its logins, its wording, its delays, its clock."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """The lab's settings, kept in the world for all its processes. Times in seconds."""

    vc_user: str = "vcbackup"
    vc_password: str = ""  # "" becomes a random one when the world is created
    config_js: bool = False  # whether vcbsnapshot works without -u and -p, as with VCB's own config.js
    filer_user: str = "snapall"
    filer_password: str = ""  # the same
    filer_key: str = ""  # the user's public key in base64, as in authorized_keys
    ssh_password: bool = True
    ssh_publickey: bool = True
    rsh_users: tuple[str, ...] = ("snapall",)  # hosts.equiv: the local users who may log in
    rsh_reserved: bool = False  # whether the client's port must be privileged, as on a real filer
    version: str = "NetApp Release 7.0.2: Wed Oct 26 16:45:03 PDT 2005"
    working: str = "working..."  # "" in 8.x, four dots in 5.x
    silent: bool = False  # whether create and delete print nothing on success; both are attested
    success_on_stderr: bool = False  # not attested either way
    log_lines: bool = True  # whether vcbsnapshot also prints a line of its log, for every fifth VM
    create_seconds: float = 0.0  # about how long VirtualCenter takes for a snapshot; it varies with the VM
    remove_seconds: float = 0.0
    filer_seconds: float = 0.0  # how long the filer takes to answer
    filer_offset: float = 0.0  # by how much the filer's own clock, which dates its snapshots, is ahead of UTC
    levels: int = 32  # snapshots in the chain of one VM
    licenses: tuple[str, ...] = ("snaprestore", "snapmirror", "snapvault")
    clone_serial: Literal["new", "parent"] = "new"  # what a LUN clone has; sources disagree
    root: str = ""  # the volume that the filer boots from
    split_seconds: float = 3.0  # how long the filer copies in the background to split a LUN clone
    restore_seconds: float = 3.0  # the same after the restore of one LUN
    transfer_seconds: float = 2.0  # how long an update of SnapMirror or SnapVault takes
    clock: float | None = None  # a standing clock, in seconds since 1970; None: real time
    port: int = 0  # the filer's port when it was last up; 0: never
    config_digest: str = ""  # of snapall.toml as the lab last wrote it, which shows whether somebody has edited it

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> SiteOptions:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        lists = {name: tuple(values[name]) for name in ("rsh_users", "licenses") if name in values}
        return cls(**{**values, **lists})

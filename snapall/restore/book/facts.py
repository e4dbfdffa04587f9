"""What a run-book is made of, as frozen data that a file keeps beside the journals. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from snapall.backup.model import FilerSnapshot, Vm
from snapall.backup.outcome import Verdict
from snapall.restore.model import Igroup, Lun, LunMap, LunView


@dataclass(frozen=True, slots=True)
class FilerLogin:
    """How a person reaches the filer: `transport` is ssh or rsh, `user` may be ""."""

    host: str
    transport: str = "ssh"
    port: int = 22
    user: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The beginning of each command line."""
        if self.transport == "rsh":
            return ("rsh", *(("-l", self.user) if self.user else ()), self.host)
        port = () if self.port == 22 else ("-p", str(self.port))
        return ("ssh", *port, f"{self.user}@{self.host}" if self.user else self.host)


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """A volume as it was looked at: its LUNs and their maps, its snapshots newest first."""

    volume: str
    luns: tuple[Lun, ...] = ()
    maps: tuple[LunMap, ...] = ()
    snapshots: tuple[FilerSnapshot, ...] = ()
    dependency: bool | None = None  # as in a LunView

    def maps_of(self, path: str) -> tuple[LunMap, ...]:
        """Where a LUN is mapped."""
        return tuple(one for one in self.maps if one.path == path)


@dataclass(frozen=True, slots=True)
class VmFiles:
    """A VM's vmx as VPX_VM.FILE_NAME has it: `[vmvol1_vmfs] sql01/sql01.vmx`."""

    vm: int
    vmx: str


@dataclass(frozen=True, slots=True)
class Given:
    """An entry of the job's `luns`."""

    vm: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BookFacts:
    """A backup and its site, read once and kept. `read_at`: when the LUNs were read (UTC)."""

    job: str
    run: str  # the stamp of the run that made it
    filer: FilerLogin
    grade: str
    vm_snapshot: str  # the name of the VM snapshots that the run made
    verdicts: tuple[Verdict, ...]
    read_at: str
    volumes: tuple[VolumeFacts, ...] = ()
    igroups: tuple[Igroup, ...] = ()
    files: tuple[VmFiles, ...] = ()
    given: tuple[Given, ...] = ()
    late: bool = False  # read later than the backup was made
    troubles: tuple[str, ...] = ()  # what could not be read
    others: tuple[Vm, ...] = ()  # the VMs that are not the job's and have a LUN on its volumes


@dataclass(frozen=True, slots=True)
class Present:
    """The backup's present name on a volume; the date identifies it."""

    volume: str
    name: str
    date: str


def facts_of(view: LunView) -> VolumeFacts:
    """What is kept of a look at a volume."""
    luns = tuple(view.luns[path] for path in sorted(view.luns))
    return VolumeFacts(view.volume, luns, view.maps, view.snapshots, view.dependency)

"""What really became of the LUNs, from the lab's ledger: what each holds, who made it, and who changed it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from snapall.lab.ledger import Change, Effect

OURS = re.compile(r"/vol/[^/]+/snapall_(mnt|ver|old)_(\d{8}T\d{6}Z)_.+")
HELPER = "helper"
ON_LUNS = {
    *(Change.CLONED, Change.MAPPED, Change.UNMAPPED, Change.OFFLINE, Change.ONLINE, Change.DESTROYED, Change.MOVED),
    *(Change.SERIAL_SET, Change.COMMENTED, Change.SPLIT_STARTED, Change.SPLIT_STOPPED, Change.LUN_RESTORED),
}
FINAL = {Change.SPLIT_STARTED, Change.LUN_RESTORED, Change.REVERTED}


@dataclass(frozen=True)
class Use:
    """What a command may do to LUNs. `luns`: it clones them or puts them back; `clones`: it takes them down.

    `volumes`: it puts them back as a whole.
    """

    kind: str
    luns: tuple[str, ...] = ()
    clones: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


NOTHING = Use("")


@dataclass(frozen=True)
class Disk:
    """A LUN. `content`: what was last written at the places that the year reads; `maker`: the command that made it.

    `backing`: the number of the snapshot that a clone rests on; 0: it is independent.
    """

    content: bytes
    maker: int = 0
    backing: int = 0


@dataclass
class LunHistory:
    """The LUNs so far. `wrong` collects what must not have happened."""

    disks: dict[str, Disk] = field(default_factory=dict)
    maps: Mapping[str, str] = field(default_factory=dict)  # of the LUNs that the site began with: `igroup=id`
    frozen: dict[int, dict[str, Disk]] = field(default_factory=dict)  # by the number of the snapshot
    uses: dict[int, Use] = field(default_factory=dict)  # by the command's number
    unsettled: set[int] = field(default_factory=set)  # commands that did not end well: recover may take back theirs
    final: set[int] = field(default_factory=set)  # commands that did something which nothing takes back
    touched: set[int] = field(default_factory=set)  # commands that changed a LUN
    verified: int = 0  # LUNs that were cloned to be read
    updates: int = 0  # transfers that came to an end
    wrong: list[str] = field(default_factory=list)

    def begin(
        self, content: Mapping[str, bytes], maps: Mapping[str, str], snapshots: Mapping[str, Iterable[int]]
    ) -> None:
        """The LUNs that the site has, and its snapshots by volume, which hold them as they are."""
        self.maps = maps
        self.disks = {path: Disk(one) for path, one in content.items()}
        for volume, numbers in snapshots.items():
            for number in numbers:
                self.captured(volume, number)

    def captured(self, volume: str, number: int) -> None:
        """A snapshot keeps the volume's LUNs as they are."""
        self.frozen[number] = {path: disk for path, disk in self.disks.items() if path.split("/")[2] == volume}

    def apply(self, effect: Effect, by: int, command: str, numbers: Mapping[str, int]) -> None:
        """One change by a command. `command`: the filer's own; `numbers`: the snapshots of the volume, by name."""
        self._judge(effect, by)
        path = effect.name
        match effect.change:
            case Change.CLONED:
                number, parent = numbers[effect.name], command.split()[-2]
                kept = self.frozen.get(number, {}).get(parent)
                self.disks[effect.new] = Disk(kept.content if kept else b"?", by, number)
                self.verified += "/snapall_ver_" in effect.new
            case Change.DESTROYED:
                del self.disks[path]
            case Change.MOVED:
                moved = self.disks.pop(path)
                aside = OURS.fullmatch(effect.new) is not None
                self.disks[effect.new] = Disk(moved.content, by, moved.backing) if aside else moved
            case Change.LUN_RESTORED:
                number = numbers[effect.new]
                self.disks[path] = Disk(self.frozen[number][path].content, self.disks[path].maker, number)
            case Change.COPIED:
                self.disks[path] = Disk(self.disks[path].content, self.disks[path].maker)
            case Change.REVERTED:
                self._reverted(effect.volume, self.frozen[numbers[effect.name]], by)
            case Change.TRANSFERRED:
                self.updates += 1
            case _:
                pass
        if effect.change in FINAL:
            self.final.add(by)

    def _reverted(self, volume: str, then: Mapping[str, Disk], by: int) -> None:
        """What the backup holds comes back, clones of that day too: they are the restoring operator's."""
        for path in [path for path in self.disks if path.split("/")[2] == volume]:
            del self.disks[path]
        for path, disk in then.items():
            self.disks[path] = disk if path in self.maps else Disk(disk.content, by, disk.backing)

    def _judge(self, effect: Effect, by: int) -> None:
        use = self.uses.get(by, NOTHING)
        if effect.change is Change.REVERTED and effect.volume not in use.volumes:
            self.wrong.append(f"{use.kind or 'a run'} put volume {effect.volume} back: {effect.label}")
        if effect.change not in ON_LUNS:
            return
        self.touched.add(by)
        made = effect.change is Change.CLONED
        path = effect.new if made else effect.name
        if made and (OURS.fullmatch(path) is None or use.kind not in {"mount", "restore", "verify"}):
            self.wrong.append(f"{use.kind or 'a run'} made a LUN: {effect.label}")
        elif not made and not self._may(use, path, by):
            self.wrong.append(f"{use.kind or 'a run'} changed what is not its own: {effect.label}")
        if (
            effect.change is Change.MAPPED
            and effect.new.partition("=")[0] != HELPER
            and self.maps.get(path) != effect.new
        ):
            self.wrong.append(f"{path} was mapped elsewhere: {effect.label}")

    def _may(self, use: Use, path: str, by: int) -> bool:
        disk = self.disks.get(path)
        if disk is None:
            return True  # the filer refused, or the ledger is at fault, which the morning shows
        if use.kind == "recover":
            return disk.maker in self.unsettled or any(
                path in self.uses[one].luns + self.uses[one].clones for one in self.unsettled
            )
        if use.kind == "unmount":
            return path in use.clones
        return disk.maker == by or (use.kind == "restore" and (path in use.luns or self._aside(path, use.luns)))

    def _aside(self, path: str, luns: Iterable[str]) -> bool:
        """Whether it is one of these LUNs under the name that it has while a clone takes its place."""
        return any(path.startswith(f"{one.rpartition('/')[0]}/snapall_old_") and path.endswith(one.rpartition("/")[2])
                   for one in luns)  # fmt: skip

    # What the site's people do.

    def written(self, path: str, content: bytes) -> None:
        self.disks[path] = Disk(content, self.disks[path].maker, self.disks[path].backing)

    def operator_destroyed(self, path: str) -> None:
        del self.disks[path]

    # Questions.

    def made_by(self, number: int) -> tuple[str, ...]:
        """The clones that a command made and that are there."""
        return tuple(path for path, disk in self.disks.items() if disk.maker == number and path not in self.maps)

    def left(self) -> tuple[str, ...]:
        """What operators may destroy: a LUN that a clone has replaced, a clone that rests on nothing."""
        return tuple(
            path for path, disk in self.disks.items()
            if path not in self.maps and disk.maker in self.final
        )  # fmt: skip

"""What really happened, from the lab's ledger and the operators' acts, without any of snapall's code.

It knows every filer snapshot through its renames, which VMs were quiesced when it was taken, and who made which VM
snapshot; and it records at once every change that snapall must not make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from snapall.lab.faults import FaultKind
from snapall.lab.ledger import Change, Effect, Entry
from tests.year.lun_history import LunHistory
from tests.year.snaps import NAMES, OURS, TEMPORARY, Rules, Snap

ANSWERED = (None, FaultKind.SLOW, FaultKind.TAG)  # how a listing fares that is read all the same
NIGHTLY = {Change.MADE, Change.REMOVED, Change.CAPTURED, Change.RENAMED, Change.DELETED}


@dataclass
class SiteHistory:
    """The site so far. `wrong` collects what must not have happened."""

    volumes: dict[str, dict[str, Snap]]
    run: int = 0  # the command whose entries are read
    ours: dict[str, tuple[int, str, int]] = field(default_factory=dict)  # ssid -> VM, name, command; alive ones
    tagged: set[tuple[str, str]] = field(default_factory=set)  # by the filer, since before the command
    wrong: list[str] = field(default_factory=list)
    sender: dict[int, int] = field(default_factory=dict)  # entry -> command
    taken: int = 0
    rules_of_run: dict[int, Rules] = field(default_factory=dict)
    luns: LunHistory = field(default_factory=LunHistory)
    clonings: dict[int, str] = field(default_factory=dict)  # entry -> the command that clones a LUN

    @classmethod
    def of(cls, listings: Mapping[str, Sequence[str]]) -> SiteHistory:
        """From the volumes' names, newest first."""
        volumes: dict[str, dict[str, Snap]] = {}
        history = cls(volumes)
        for volume, names in listings.items():
            volumes[volume] = {}
            for name in reversed(names):
                volumes[volume][name] = history._new(volume, ours=False)
        return history

    def _new(self, volume: str, *, ours: bool) -> Snap:
        self.taken += 1
        return Snap(self.taken, volume, ours)

    def read(self, entries: Iterable[Entry], rules: Rules | None) -> None:
        """Go on by what was asked and done; `rules` of the command that runs, None for what happens between two."""
        if rules is not None:
            self.run += 1
            self.rules_of_run[self.run] = rules
            self.luns.uses[self.run] = rules.use
        for entry in entries:
            by = self.sender.get(entry.of, self.run) if entry.of is not None else self.run
            self.sender[entry.n] = by
            if entry.verb == "lun clone create":
                self.clonings[entry.n] = entry.command
            if entry.effect is not None:
                running = rules is not None and by == self.run
                self._apply(entry.effect, by, self.rules_of_run[by], running)
                command = self.clonings.get(entry.n if entry.of is None else entry.of, "")
                numbers = {name: snap.number for name, snap in self.volumes.get(entry.effect.volume, {}).items()}
                self.luns.apply(entry.effect, by, command, numbers)
                self.wrong += self.luns.wrong
                self.luns.wrong.clear()
            elif entry.verb == "snap list" and (entry.fault in ANSWERED or _torn_over_rsh(entry)):
                for snap in self.volumes.get(entry.command.split()[-1], {}).values():
                    snap.listed = True

    def _apply(self, effect: Effect, by: int, rules: Rules, running: bool) -> None:
        if rules.use.kind not in {"", "recover"} and effect.change in NIGHTLY:
            self.wrong.append(f"{rules.use.kind} did what only a run does: {effect.label}")
        match effect.change:
            case Change.MADE:
                assert effect.vm is not None
                if OURS.fullmatch(effect.name) is None or (rules.order == "safe" and effect.name == "Quiesce"):
                    self.wrong.append(f"a VM snapshot {effect.name} was made in order {rules.order}")
                self.ours[effect.ssid] = (effect.vm, effect.name, by)
            case Change.REMOVED:
                if self.ours.pop(effect.ssid, None) is None:
                    self.wrong.append(f"somebody else's VM snapshot {effect.ssid} ({effect.name}) was removed")
            case Change.CAPTURED:
                twin = any(snap.run == by for snap in self.volumes[effect.volume].values())
                self._captured(effect, by, rules)
                self.volumes[effect.volume][effect.name].orphaned = twin or not running
            case Change.RENAMED:
                self._renamed(effect, rules)
            case Change.DELETED:
                self._deleted(effect, rules)
            case Change.REVERTED:
                rows = self.volumes[effect.volume]
                oldest = rows[effect.name].number
                self.volumes[effect.volume] = {name: snap for name, snap in rows.items() if snap.number <= oldest}
            case _:
                pass  # of LUNs and relations

    def _captured(self, effect: Effect, by: int, rules: Rules) -> None:
        allowed = {rules.keep} if rules.keep else {NAMES[0]} if rules.order == "paper" else set()
        if effect.name not in allowed and TEMPORARY.fullmatch(effect.name) is None:
            self.wrong.append(f"a filer snapshot {effect.name} was created in order {rules.order}")
        snap = self._new(effect.volume, ours=True)
        snap.run = by
        snap.quiesced = frozenset(vm for vm, _, run in self.ours.values() if run == by)
        self.volumes[effect.volume][effect.name] = snap
        self.luns.captured(effect.volume, snap.number)

    def _renamed(self, effect: Effect, rules: Rules) -> None:
        rows = self.volumes[effect.volume]
        snap = rows.pop(effect.name)
        rows[effect.new] = snap
        event = f"{effect.name} was renamed to {effect.new} on {effect.volume}"
        if (effect.volume, effect.name) in self.tagged:
            self.wrong.append(f"{event} although the filer had tagged it")
        self.tagged.discard((effect.volume, effect.name))
        if effect.new == rules.chain[0] and TEMPORARY.fullmatch(effect.name):
            snap.temporary = effect.name
            self._published(snap, event, rules)
        elif rules.undoes and effect.name == rules.chain[0] and effect.new == snap.temporary:
            pass  # paper order published it before a capture that failed
        elif effect.name not in NAMES or effect.new not in NAMES:
            self.wrong.append(f"{event}: not a name of the chain")
        elif (NAMES.index(effect.new) - NAMES.index(effect.name)) not in ({1, -1} if rules.undoes else {1}):
            self.wrong.append(f"{event}: not by one place")

    def _published(self, snap: Snap, event: str, rules: Rules) -> None:
        if not snap.ours:
            self.wrong.append(f"{event}: not a snapshot of snapall's")
        if not snap.listed:
            self.wrong.append(f"{event} before it was read back")
        if not snap.quiesced and rules.order == "safe":
            self.wrong.append(f"{event} although it holds no quiesced VM")
        below = [self.volumes[snap.volume].get(name) for name in rules.chain[1:]]
        if any(one is not None and one.number > snap.number and not one.touched for one in below):
            self.wrong.append(f"{event} above a newer one")

    def _deleted(self, effect: Effect, rules: Rules) -> None:
        rows = self.volumes[effect.volume]
        snap = rows.pop(effect.name)
        event = f"{effect.name} was deleted on {effect.volume}"
        if (effect.volume, effect.name) in self.tagged:
            self.wrong.append(f"{event} although the filer had tagged it")
        newer = [one for one in rows.values() if one.ours and one.number > snap.number]
        if snap.ours and not self._whole(snap):
            pass  # a part of a backup is none
        elif TEMPORARY.fullmatch(effect.name) and snap.ours:
            if not newer:
                self.wrong.append(f"{event}: the newest backup there is")
        elif effect.name != rules.chain[-1]:
            self.wrong.append(f"{event}: neither the oldest of the chain nor a temporary one")
        elif not all(name in rows for name in rules.chain[:-1]):
            self.wrong.append(f"{event} though the chain had a gap")
        elif rules.order == "safe" and not any(
            TEMPORARY.fullmatch(name) and one.listed and one.quiesced for name, one in rows.items()
        ):
            self.wrong.append(f"{event} before a new backup was confirmed")

    def _whole(self, snap: Snap) -> bool:
        """Whether what was captured with a snapshot stood on all volumes just now."""
        volumes = set(self.rules_of_run[snap.run].volumes) - {snap.volume}
        return all(any(one.run == snap.run for one in self.volumes[volume].values()) for volume in volumes)

    # What operators do.

    def operator_renamed(self, volume: str, old: str, new: str) -> None:
        rows = self.volumes[volume]
        rows[new] = rows.pop(old)
        rows[new].touched = True

    def operator_deleted(self, volume: str, name: str) -> None:
        del self.volumes[volume][name]
        self.tagged.discard((volume, name))

    def operator_made(self, volume: str, name: str) -> None:
        self.volumes[volume][name] = self._new(volume, ours=False)
        self.volumes[volume][name].touched = True
        self.luns.captured(volume, self.volumes[volume][name].number)

    def operator_removed(self, ssid: str) -> None:
        self.ours.pop(ssid, None)

    def vm_is_gone(self, vm: int) -> None:
        self.ours = {ssid: one for ssid, one in self.ours.items() if one[0] != vm}

    def other_volumes(self) -> None:
        """The configuration names other volumes from now on: what waits for the old ones' chains waits for ever."""
        for rows in self.volumes.values():
            for name, snap in rows.items():
                snap.orphaned = snap.orphaned or TEMPORARY.fullmatch(name) is not None

    # Questions.

    def orphans(self) -> list[tuple[str, str]]:
        """Volume and name of what snapall warns of and never touches."""
        return [
            (volume, name)
            for volume, rows in self.volumes.items()
            for name, snap in rows.items()
            if snap.orphaned and TEMPORARY.fullmatch(name)
        ]

    def held(self, volume: str) -> set[str]:
        """The snapshots that a LUN clone rests on: the filer lets nobody delete them."""
        backing = {disk.backing for path, disk in self.luns.disks.items() if path.split("/")[2] == volume}
        return {name for name, snap in self.volumes[volume].items() if snap.number in backing}

    def chain(self, volume: str, names: Sequence[str]) -> list[Snap]:
        """The snapshots under these names, in this order; a missing one is passed over."""
        return [self.volumes[volume][name] for name in names if name in self.volumes[volume]]

    def numbers(self, rules: Rules) -> dict[tuple[str, str], int]:
        """The snapshot under each name of the chain."""
        return {
            (volume, name): self.volumes[volume][name].number
            for volume in rules.volumes
            for name in rules.chain
            if name in self.volumes[volume]
        }

    def retained(self, rules: Rules) -> dict[str, int]:
        """How many backups each volume has: those of the chain, and those that wait for it."""
        return {
            volume: sum(
                name in rules.chain or (TEMPORARY.fullmatch(name) is not None and snap.listed and bool(snap.quiesced))
                for name, snap in self.volumes[volume].items()
            )
            for volume in rules.volumes
        }

    def tonight(self, rules: Rules, run: int) -> dict[str, tuple[str, Snap]]:
        """What a command captured and what is still there: volume -> name and snapshot."""
        return {
            volume: (name, snap)
            for volume in rules.volumes
            for name, snap in self.volumes[volume].items()
            if snap.ours and snap.run == run and not snap.orphaned
        }


def _torn_over_rsh(entry: Entry) -> bool:
    """Over rsh a torn listing cannot be detected; the newest snapshot is in its first half."""
    return entry.transport == "rsh" and entry.fault == FaultKind.HALF

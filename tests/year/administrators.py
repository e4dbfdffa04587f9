"""The administrators who use backups: what they mount and for how long, what they restore, and how they prepare it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from snapall.app.use_look import UseRequest
from tests.lab import external_actors
from tests.year import lun_site
from tests.year.incidents import Chance
from tests.year.lun_history import HELPER, OURS, Use
from tests.year.lun_site import LUNS, OWNERS
from tests.year.simulated_site import LabSite
from tests.year.site_history import SiteHistory
from tests.year.snaps import Rules
from tests.year.use_incidents import CLEANED_AFTER, COPYING, KEPT_FOR, MOUNTED_FOR, USED, USES, VERIFIED_EVERY

DATASTORES = (688, 689)


@dataclass(frozen=True)
class Deed:
    """A command that uses a backup. `refused`: it must be, since a VM runs; `kept`: in days."""

    words: tuple[str, ...]
    use: Use
    request: UseRequest | None = None
    refused: bool = False
    kept: int = 0


@dataclass
class Administrators:
    """`standing`: the clones of each mount that was made and not taken down, by its id; `going`: a take-down failed."""

    history: SiteHistory
    chance: Chance
    standing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    going: dict[str, tuple[str, ...]] = field(default_factory=dict)
    until: dict[str, int] = field(default_factory=dict)  # which day a mount is taken down, or a LUN destroyed
    count: int = 0

    def deeds(self, site: LabSite, rules: Rules, day: int) -> Iterator[Deed]:
        """What they do on a day, one after the other; each is to be done before the next is asked for."""
        yield from self._taken_down(day)
        if day % VERIFIED_EVERY == 1:
            yield Deed(("verify",), Use("verify"))
        present = [name for name in rules.chain if name in self.history.volumes["vmvol1"]]
        if not present or not self.chance.percent(USED):
            return
        lun_site.split_takes(site.world, self.chance.one(COPYING))
        what, name = self.chance.weighed(USES), self.chance.one(present)
        match what:
            case "mount" | "kept" | "split":
                yield self._mount(what, name, rules)
            case "volume":
                yield from self._volume(site, name, rules)
            case _:
                yield from self._restore(site, what, name, rules)

    def ended(self, deed: Deed, code: int, number: int, day: int) -> None:
        """Remember what a deed came to."""
        if deed.words[0] == "mount" and code == 0:
            made = self.history.luns.made_by(number)
            stamps = {found[2] for path in made if (found := OURS.fullmatch(path))}
            if number not in self.history.luns.final:
                for stamp in stamps:
                    self.standing[stamp] = made
                    self.until[stamp] = day + deed.kept
        if deed.words[0] == "unmount":
            for stamp in deed.words[1:]:
                gone = self.standing.pop(stamp, ())
                if code != 0:
                    self.going[stamp] = self.going.get(stamp, gone)
                    self.until[stamp] = day + 1
        there = self.history.luns.disks
        self.going = {stamp: paths for stamp, paths in self.going.items() if any(one in there for one in paths)}

    def clean(self, site: LabSite, day: int) -> None:
        """Destroy the LUNs that clones have replaced, and clones that are independent, some days later."""
        for path in self.history.luns.left():
            if day >= self.until.setdefault(path, day + self.chance.number(*CLEANED_AFTER)):
                lun_site.destroy(site.world, path)
                self.history.luns.operator_destroyed(path)

    def _taken_down(self, day: int, *, every: bool = False) -> Iterator[Deed]:
        for stamp, paths in [*self.standing.items(), *self.going.items()]:
            if every or day >= self.until[stamp]:
                yield Deed(("unmount", stamp), Use("unmount", clones=paths))

    def _mount(self, what: str, name: str, rules: Rules) -> Deed:
        paths = _luns(rules)
        chosen = tuple(dict.fromkeys(self.chance.one(paths) for _ in range(self.chance.number(1, 2))))
        kept = what == "kept"
        days = self.chance.number(*(KEPT_FOR if kept else MOUNTED_FOR))
        purpose = f"test {self.count}" if kept else ""
        self.count += 1
        request = UseRequest(name, (), chosen, "", HELPER, purpose, "", what == "split")
        return Deed(("mount", name, *chosen, what), Use("mount", chosen), request, kept=days)

    def _restore(self, site: LabSite, what: str, name: str, rules: Rules) -> Iterator[Deed]:
        path = self.chance.one([one for one in _luns(rules) if one in OWNERS])
        careless = what == "careless"
        owners = [] if careless else self._off(site, path)
        force = not careless and not owners  # the VM is registered anew under another number: all are powered off
        if force:
            owners = self._off(site)
        way = "swap" if what == "swap" else "file"
        words = ("restore", name, path, what)
        yield Deed(words, Use("restore", (path,)), UseRequest(name, (), (path,), way, force=force), refused=careless)
        lun_site.power(site.world, owners, on=True)

    def _volume(self, site: LabSite, name: str, rules: Rules) -> Iterator[Deed]:
        yield from self._taken_down(0, every=True)
        owners = self._off(site)
        use = Use("restore", volumes=rules.volumes)
        yield Deed(("restore", name, "--volume"), use, UseRequest(name, way="volume", whole=True, force=True))
        lun_site.power(site.world, owners, on=True)

    def _off(self, site: LabSite, path: str = "") -> list[int]:
        """Power off the VM of a LUN ("": all VMs) and remove the snapshots that others took of it."""
        vms = {vm.id for store in DATASTORES for vm in site.world.vms(store) if not path or vm.id == OWNERS[path]}
        lun_site.power(site.world, vms, on=False)
        for row in site.world.vm_snapshots():
            if row.vm in vms and row.ssid not in self.history.ours:
                external_actors.remove_vm_snapshot(site.world, row.vm, row.ssid)
        return sorted(vms)


def _luns(rules: Rules) -> list[str]:
    return [one.path for one in LUNS if one.path.split("/")[2] in rules.volumes]

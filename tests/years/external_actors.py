"""Everybody else on the site: administrators, another backup program, the filer's own schedule, DRS."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.years.setups import vm_of
from tests.years.verdicts import Verdicts
from tests.years.world import SiteRefusal, World

NAMES = ("Manual-before-upgrade", "Consolidate Helper", "before patch", "Quiesce-by-hand")
TAGS = ("busy", "snapmirror", "busy,LUNs")


@dataclass
class ExternalActors:
    """What they do, at a moment of their choice."""

    world: World
    verdicts: Verdicts
    chance: random.Random
    outstanding: Callable[[], bool]
    chain: tuple[str, ...] = ()
    count: int = 0

    def actions(self) -> tuple[tuple[int, Callable[[], None]], ...]:
        """Each with how likely it is among the others."""
        return (
            (5, self.make_vm_snapshot),
            (2, self.make_quiesce),
            (3, self.remove_their_own),
            (2, self.remove_ours),
            (4, self.move_vm),
            (1, self.unregister_vm),
            (1, self.register_vm),
            (4, self.schedule_filer),
            (3, self.tag),
            (3, self.untag),
            (2, self.rename_chain_name),
            (2, self.delete_chain_name),
            (1, self.delete_pending),
            (1, self.make_unknown_temporary),
        )

    def do_something(self) -> None:
        actions = self.actions()
        action = self.chance.choices([one for _, one in actions], [weight for weight, _ in actions])[0]
        self.count += 1
        self.world.record("others:", action.__name__)
        try:
            action()
        except SiteRefusal:
            return

    def later(self, seconds: float) -> None:
        self.world.at(seconds, self.do_something)

    # VMs

    def make_vm_snapshot(self) -> None:
        self.world.create(self.chance.choice(sorted(self.world.vms)), self.chance.choice(NAMES))

    def make_quiesce(self) -> None:
        """Called as the batch's, by a person.

        In paper order snapall cannot tell it from its own where it has no id, and takes the only such row for its own
        by design; so it appears where nothing is outstanding, or where ours is seen, too.
        """
        ours = {row.vm for row in self.world.ours() if row.name == "Quiesce"}
        free = [vm for vm in sorted(self.world.vms) if vm in ours or not self.outstanding()]
        if free:
            self.world.create(self.chance.choice(free), "Quiesce")

    def remove_their_own(self) -> None:
        theirs = sorted(ssid for ssid, row in self.world.rows.items() if not row.by)
        if len(theirs) > 3:
            del self.world.rows[theirs[0]]

    def remove_ours(self) -> None:
        rivals = {row.vm for row in self.world.rows.values() if not row.by and row.name == "Quiesce"}
        ours = sorted(row.ssid for row in self.world.ours() if row.vm not in rivals)
        if ours:
            ssid = self.chance.choice(ours)
            self.world.record("others: remove", ssid)
            del self.world.rows[ssid]

    def move_vm(self) -> None:
        number = self.chance.choice(sorted(self.world.vms))
        vm, store = self.world.vms[number]
        self.world.vms[number] = (replace(vm, host=f"esx{self.chance.randint(1, 5)}"), store)

    def unregister_vm(self) -> None:
        """Its snapshots leave the database with it, and stay among its files."""
        if len(self.world.vms) > 3:
            number = self.chance.choice(sorted(self.world.vms))
            self.world.record("others: unregister vm", number)
            del self.world.vms[number]
            for ssid in [ssid for ssid, row in self.world.rows.items() if row.vm == number]:
                del self.world.rows[ssid]

    def register_vm(self) -> None:
        if len(self.world.vms) < 7:
            number = self.world.number()
            self.world.vms[number] = (vm_of(number), self.chance.choice((688, 689)))

    # The filer

    def _volume(self) -> str:
        return self.chance.choice(sorted(self.world.volumes))

    def schedule_filer(self) -> None:
        """hourly.0 and so on, each under its own name."""
        volume = self._volume()
        rows = self.world.volumes[volume]
        hourly = [one for one in rows if one.name.startswith("hourly.")]
        for one in hourly[3:]:
            rows.remove(one)
        self.world.snap(volume, f"hourly.{self.world.number()}")

    def tag(self) -> None:
        rows = self.world.volumes[self._volume()]
        if rows:
            self.chance.choice(rows).tags = {self.chance.choice(TAGS)}

    def untag(self) -> None:
        for rows in self.world.volumes.values():
            for one in rows:
                one.tags.clear()

    def rename_chain_name(self) -> None:
        """Somebody keeps a backup under a name of his own."""
        self._disturb(lambda name: name in self.chain, rename=True)

    def delete_chain_name(self) -> None:
        self._disturb(lambda name: name in self.chain, rename=False)

    def delete_pending(self) -> None:
        self._disturb(lambda name: "_new_" in name, rename=self.chance.random() < 0.5)

    def _disturb(self, chosen: Callable[[str], bool], *, rename: bool) -> None:
        volume = self._volume()
        found = [one for one in self.world.volumes[volume] if chosen(one.name)]
        if not found:
            return
        one = self.chance.choice(found)
        self.verdicts.meddled += 1
        self.verdicts.disturbed.add(one.serial)
        self.verdicts.judge.spoiled[one.by] = self.world.turns.now
        self.world.record("others:", "rename" if rename else "delete", one.name, "on", volume)
        if rename:
            one.name = f"kept.{self.world.number()}"
        else:
            self.world.volumes[volume].remove(one)

    def make_unknown_temporary(self) -> None:
        """Of another state folder."""
        self.world.snap(self._volume(), f"vmware_new_20010101T0{self.chance.randint(1, 9)}0000Z-zzzz")

"""A mount and a swap on the lab, killed before and after every call: recover leaves nothing, or all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from snapall.app.use_look import UseRequest, luns_of, prepare
from snapall.backup.clock import Clock
from snapall.backup.private import make_folder
from snapall.backup.steps import Outcome
from snapall.backup.store import JournalStore
from snapall.commands import options
from snapall.errors import Exit
from snapall.restore.journal import SharedVolumes, UseStore
from snapall.restore.luns.client import Luns
from snapall.restore.model import LunView
from snapall.restore.steps import LunStep
from snapall.restore.uses import UseContext, begin, take_down
from tests.lab.atlab import AtLab, Hasty
from tests.lab.sites import with_luns

Make = Callable[..., AtLab]
LUN = "/vol/vmvol1/sql01"


class Killed(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class Deadly:
    """The filer's LUNs, whose caller dies at the call of this number, before it is sent or after it acted."""

    luns: Luns
    at: int = -1
    after: bool = False
    calls: list[str] = field(default_factory=list)

    def perform(self, step: LunStep) -> Outcome:
        self._count(str(step), after=False)
        outcome = self.luns.perform(step)
        self._strike(after=True)
        return outcome

    def view(self, volume: str) -> LunView:
        self._count("view", after=False)
        return self.luns.view(volume)

    def _count(self, what: str, *, after: bool) -> None:
        self.calls.append(what)
        self._strike(after=after)

    def _strike(self, *, after: bool) -> None:
        if len(self.calls) - 1 == self.at and self.after == after:
            raise Killed


@dataclass(slots=True)
class Bench:
    """A lab, and a clock that does not wait."""

    night: AtLab
    request: UseRequest
    clock: Clock = field(default_factory=Hasty)

    def context(self, luns: Deadly) -> UseContext:
        settings, _ = options.chosen(self.night.config, ["vol1"])
        store = UseStore(JournalStore(settings.state, self.clock))
        return UseContext(SharedVolumes("", (), ()), luns, store, self.clock, lambda: False, lambda *_: None)

    def play(self, at: int = -1, *, after: bool = False) -> tuple[Exit | None, Deadly]:
        settings, (job,) = options.chosen(self.night.config, ["vol1"])
        deadly = Deadly(luns_of(settings, job), at, after)
        context = self.context(deadly)
        header = prepare(settings, job, self.request, context.store.runs.stamp()).header
        try:
            return begin(context, header)[1], deadly
        except Killed:
            return None, deadly

    def recover(self) -> list[Exit]:
        settings, (job,) = options.chosen(self.night.config, ["vol1"])
        context = self.context(Deadly(luns_of(settings, job)))
        return [take_down(context, use, "recover", "it died")[1] for use in context.store.uses(only_open=True)]


REQUESTS = {
    "mount": UseRequest("vmware_recent", luns=(LUN,), igroup="helper"),
    "swap": UseRequest("vmware_recent", luns=(LUN,), way="swap"),
}


@pytest.fixture(params=sorted(REQUESTS))
def bench(request: pytest.FixtureRequest, at_lab: Make) -> Bench:
    site = with_luns()
    night = at_lab(site=replace(site, vms=tuple(replace(vm, on=False) for vm in site.vms)))
    make_folder(options.load(night.config).state)
    return Bench(night, REQUESTS[request.param])


def shown(night: AtLab) -> list[object]:
    with night.world.transaction() as it:
        rows = it.rows("SELECT path, serial, online, backed_by FROM luns ORDER BY path")
        maps = it.rows("SELECT luns.path, igroup, m.id FROM lun_maps AS m JOIN luns ON luns.id = m.lun ORDER BY 1, 2")
    return [*map(tuple, rows), *map(tuple, maps)]


def test_killed_before_and_after_every_call_recover_takes_all_of_it_back(bench: Bench) -> None:
    was, content = shown(bench.night), bench.night.world.read_lun(LUN)
    last, number = "", 0
    while True:
        for after in (False, True):
            if after and last == "view":
                continue
            code, deadly = bench.play(number, after=after)
            if code is not None:
                assert code is Exit.OK
                assert number >= LEAST[bench.request.way]
                return
            last = deadly.calls[-1]
            codes = bench.recover()
            if "StartSplit" in "".join(deadly.calls) and number >= LEAST["swap"] and shown(bench.night) != was:
                return  # it was sent: nothing takes it back, and the swap stays whole
            assert codes == [Exit.OK]
            assert shown(bench.night) == was
            assert bench.night.world.read_lun(LUN) == content
        number += 1


LEAST = {"": 5, "swap": 20}
"""The calls of a mount, and of a swap."""

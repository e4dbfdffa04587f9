"""A recorded scenario played by snapall on the lab, as the lab's ledger and world show it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout, suppress
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from snapall.lab.ledger import Change, Ledger
from tests.conformity.observed import (
    Aspect,
    Lines,
    Observation,
    Part,
    VcbCall,
    as_the_batch_copies,
    batch_lines,
    in_chain_order,
    logins,
    plain,
    vms,
)
from tests.conformity.queries import listening
from tests.conformity.recordings import INSTANCES, recording
from tests.conformity.scenarios import prepare, setting_of, site_of
from tests.lab.atlab import CHAIN, PYTHON, AtLab, Ended
from tests.waiting import PATIENCE

ORDERS = ("safe", "paper")
CHECKOUT = Path(__file__).parents[2]


class NoCapture:
    """Replaces pytest's `capsys` where the output of a command is ignored."""

    def readouterr(self) -> tuple[str, str]:
        return ("", "")


class TrackedLab:
    """A lab that follows each backup by its generation, under every name."""

    def __init__(self, lab: AtLab) -> None:
        self.lab = lab
        self.log = lab.lab.directory / "snapall.log"
        self.read = 0
        self.entries = 0
        volumes = lab.world.volumes()
        ages = {name: f"N-{age}" for age, name in enumerate(CHAIN, 1)}
        self.generations = {volume: {name: ages[name] for name in lab.names(volume)} for volume in volumes}
        self.quiesced: dict[str, dict[str, str]] = {volume: {} for volume in volumes}

    def new_entries(self) -> Ledger:
        """The ledger since the last call."""
        new = self.lab.ledger.since(self.entries)
        self.entries = new[-1].n if new else self.entries
        return new

    def new_lines(self) -> list[str]:
        """The log since the last call. One that another program holds alone cannot be read on Windows."""
        lines: list[str] = []
        with suppress(PermissionError):
            lines = self.log.read_text().splitlines() if self.log.is_file() else []
        new, self.read = lines[self.read :], len(lines)
        return new

    def follow(self, new: Ledger) -> None:
        """Follow every backup from name to name, by the ledger."""
        for entry in new:
            effect = entry.effect
            if effect is None or not effect.volume:
                continue
            generations = self.generations[effect.volume]
            if effect.change is Change.CAPTURED:
                quiesced = self.quiesced[effect.volume]
                generation = f"N+{len(quiesced)}" if quiesced else "N"
                generations[effect.name] = generation
                vm_ids = [vm for vm, names in entry.quiesced.items() for _ in names]
                if len(self.generations) > 1:  # each of two instances has its own VMs
                    vm_ids = [vm for vm in vm_ids if _instance_of(vm) == effect.volume]
                quiesced[generation] = vms(vm_ids)
            elif effect.change is Change.RENAMED:
                generations[effect.new] = generations.pop(effect.name)
            else:
                del generations[effect.name]
        for volume, generations in self.generations.items():
            assert sorted(generations) == sorted(self.lab.names(volume))

    def part(self, volume: str, entries: Ledger, ended: int, log: Sequence[str], queries: Sequence[str]) -> Part:
        """All aspects of one run on one volume."""
        made = made_in(self.lab.ledger)
        calls = [VcbCall.of(entry.argv) for entry in entries.vcbsnapshot]
        vm_snapshots = [f"vm-{row.vm} {row.name} {row.ssid}" for row in self.lab.world.vm_snapshots()]
        generations, quiesced = self.generations[volume], self.quiesced[volume]
        return {
            Aspect.FILER: plain([entry.command for entry in entries.changing], made),
            Aspect.VCB: plain([call.arguments for call in calls], made),
            Aspect.LOGIN: logins(calls),
            Aspect.DATABASE: tuple(queries),
            Aspect.CHAIN: in_chain_order(plain([f"{name} {generations[name]}" for name in generations], made)),
            Aspect.QUIESCED: tuple(
                sorted(f"{one}: {quiesced[one]}" for one in generations.values() if one in quiesced)
            ),
            Aspect.VM_SNAPSHOTS: plain(vm_snapshots, made),
            Aspect.EXIT: (str(ended),),
            Aspect.LOG: plain(batch_lines(as_the_batch_copies(log)), made),
        }


def made_in(ledger: Ledger) -> dict[int, int]:
    """The ids of the VM snapshots that were made, each with its VM."""
    effects = [effect for effect in ledger.effects if effect.change is Change.MADE]
    return {int(effect.ssid.removeprefix("snapshot-")): effect.vm for effect in effects if effect.vm is not None}


@cache
def performed(scenario: str, order: str) -> Observation:
    """Put a lab into the state of the scenario, and perform as many runs as were recorded."""
    return perform(scenario, order, lambda _lab, _stack: None)


def perform(scenario: str, order: str, fit: Callable[[AtLab, ExitStack], None]) -> Observation:
    """Do so, on a lab that `fit` has changed before; the stack ends with the scenario."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        lab = AtLab(folder, NoCapture(), site=site_of(scenario))
        stack.callback(lab.close)
        fit(lab, stack)
        prepare(lab, scenario)
        tracked = TrackedLab(lab)
        if setting_of(scenario).get("two"):
            return _two(tracked, order)
        elsewhere = folder if setting_of(scenario).get("elsewhere") else lab.lab.directory
        stack.enter_context(chdir(elsewhere))
        return tuple(_run_once(tracked, order) for _ in recording(scenario).seen)


def _run_once(tracked: TrackedLab, order: str) -> Part:
    with listening() as queries:
        ended = quietly(lambda: tracked.lab.hastily(order))
    entries = tracked.new_entries()
    tracked.follow(entries)
    return tracked.part("vmvol1", entries, ended.code, tracked.new_lines(), queries)


def quietly(run: Callable[[], Ended]) -> Ended:
    """Run it, and drop its output."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        return run()


def _two(tracked: TrackedLab, order: str) -> Observation:
    """Two processes at the same time, a job each. Their log lines cannot be told apart, and count for the first."""
    folder, config = tracked.lab.lab.directory, str(tracked.lab.config)
    queries = [folder / f"asked-{volume}" for volume in INSTANCES]
    program = [PYTHON, "-m", "tests.conformity.queries"]
    children = [
        subprocess.Popen(
            [*program, str(file), "run", job, "--order", order, "--config", config, "--quiet"], cwd=CHECKOUT
        )
        for file, job in zip(queries, ("vol1", "vol2"), strict=True)
    ]
    codes = [child.wait(PATIENCE) for child in children]
    entries = tracked.new_entries()
    tracked.follow(entries)
    log = tracked.new_lines()
    parts = []
    for volume, file, code in zip(INSTANCES, queries, codes, strict=True):
        mine = Ledger(entry for entry in entries if _belongs(entry.command, entry.argv, volume))
        parts.append(tracked.part(volume, mine, code, log, file.read_text().splitlines()))
    first: Mapping[Aspect, Lines] = {**parts[0], Aspect.LOG: tuple(sorted(parts[0][Aspect.LOG]))}
    return (first, {**parts[1], Aspect.LOG: ()})


def _belongs(command: str, argv: Sequence[str], volume: str) -> bool:
    if command:
        return volume in command
    return _instance_of(next(int(word.removeprefix("moref:vm-")) for word in argv if "moref:" in word)) == volume


def _instance_of(vm: int) -> str:
    """The volume whose job a VM belongs to, where there are two."""
    return INSTANCES[vm > 2000]

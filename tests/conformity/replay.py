"""A recorded scenario performed by snapall at the lab, as what the lab's own ledger and world then tell."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from snapall.lab.ledger import Change, Ledger
from tests.conformity.observed import (
    Aspect,
    Lines,
    Part,
    Seen,
    VcbCall,
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

ORDERS = ("safe", "paper")
CHECKOUT = Path(__file__).parents[2]
PATIENCE = 60  # seconds for two instances


class Unheard:
    """Stands where tests hear what a command prints: nobody asks here."""

    def readouterr(self) -> tuple[str, str]:
        return ("", "")


class Watched:
    """A lab whose backups are known by their generation, whatever they are called."""

    def __init__(self, lab: AtLab) -> None:
        self.lab = lab
        self.log = lab.lab.directory / "snapall.log"
        self.read = 0
        self.entries = 0
        volumes = lab.world.volumes()
        ages = {name: f"N-{age}" for age, name in enumerate(CHAIN, 1)}
        self.holds = {volume: {name: ages[name] for name in lab.names(volume)} for volume in volumes}
        self.quiesced: dict[str, dict[str, str]] = {volume: {} for volume in volumes}

    def new_entries(self) -> Ledger:
        """The ledger since the last question."""
        new = self.lab.ledger.since(self.entries)
        self.entries = new[-1].n if new else self.entries
        return new

    def new_lines(self) -> list[str]:
        """The log since the last question."""
        lines = self.log.read_text().splitlines() if self.log.is_file() else []
        new, self.read = lines[self.read :], len(lines)
        return new

    def follow(self, new: Ledger) -> None:
        """Carry every backup from name to name, as the ledger says that it went."""
        for entry in new:
            effect = entry.effect
            if effect is None or not effect.volume:
                continue
            holds = self.holds[effect.volume]
            if effect.change is Change.CAPTURED:
                quiesced = self.quiesced[effect.volume]
                generation = f"N+{len(quiesced)}" if quiesced else "N"
                holds[effect.name] = generation
                held = [vm for vm, names in entry.quiesced.items() for _ in names]
                if len(self.holds) > 1:  # of two instances each has its own VMs
                    held = [vm for vm in held if _instance_of(vm) == effect.volume]
                quiesced[generation] = vms(held)
            elif effect.change is Change.RENAMED:
                holds[effect.new] = holds.pop(effect.name)
            else:
                del holds[effect.name]
        for volume, holds in self.holds.items():
            assert sorted(holds) == sorted(self.lab.names(volume))

    def part(self, volume: str, entries: Ledger, ended: int, log: Sequence[str], asked: Sequence[str]) -> Part:
        """What is seen of one night of one volume."""
        made = _made(self.lab.ledger)
        calls = [VcbCall.of(entry.argv) for entry in entries.vcbsnapshot]
        standing = [f"vm-{row.vm} {row.name} {row.ssid}" for row in self.lab.world.vm_snapshots()]
        holds, quiesced = self.holds[volume], self.quiesced[volume]
        return {
            Aspect.FILER: plain([entry.command for entry in entries.changing], made),
            Aspect.VCB: plain([call.asked for call in calls], made),
            Aspect.LOGIN: logins(calls),
            Aspect.DATABASE: tuple(asked),
            Aspect.CHAIN: in_chain_order(plain([f"{name} {holds[name]}" for name in holds], made)),
            Aspect.QUIESCED: tuple(sorted(f"{one}: {quiesced[one]}" for one in holds.values() if one in quiesced)),
            Aspect.VM_SNAPSHOTS: plain(standing, made),
            Aspect.EXIT: (str(ended),),
            Aspect.LOG: plain(batch_lines(log), made),
        }


def _made(ledger: Ledger) -> dict[int, int]:
    """The ids of the VM snapshots that were made, each with its VM."""
    effects = [effect for effect in ledger.effects if effect.change is Change.MADE]
    return {int(effect.ssid.removeprefix("snapshot-")): effect.vm for effect in effects if effect.vm is not None}


@cache
def performed(scenario: str, order: str) -> Seen:
    """Put a lab into the state of the scenario, run as many nights as were recorded, and look."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        lab = AtLab(folder, Unheard(), site=site_of(scenario))
        stack.callback(lab.close)
        prepare(lab, scenario)
        watched = Watched(lab)
        if setting_of(scenario).get("two"):
            return _two(watched, order)
        elsewhere = folder if setting_of(scenario).get("elsewhere") else lab.lab.directory
        stack.enter_context(chdir(elsewhere))
        return tuple(_night(watched, order) for _ in recording(scenario).seen)


def _night(watched: Watched, order: str) -> Part:
    with listening() as asked:
        ended = quietly(lambda: watched.lab.hastily(order))
    entries = watched.new_entries()
    watched.follow(entries)
    return watched.part("vmvol1", entries, ended.code, watched.new_lines(), asked)


def quietly(run: Callable[[], Ended]) -> Ended:
    """What it prints is nobody's business here."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        return run()


def _two(watched: Watched, order: str) -> Seen:
    """Two processes at the same time, a job each. Their lines of the log belong to nobody, and stand with the first."""
    folder, config = watched.lab.lab.directory, str(watched.lab.config)
    heard = [folder / f"asked-{volume}" for volume in INSTANCES]
    program = [PYTHON, "-m", "tests.conformity.queries"]
    children = [
        subprocess.Popen(
            [*program, str(file), "run", job, "--order", order, "--config", config, "--quiet"], cwd=CHECKOUT
        )
        for file, job in zip(heard, ("vol1", "vol2"), strict=True)
    ]
    codes = [child.wait(PATIENCE) for child in children]
    entries = watched.new_entries()
    watched.follow(entries)
    log = watched.new_lines()
    parts = []
    for volume, file, code in zip(INSTANCES, heard, codes, strict=True):
        mine = Ledger(entry for entry in entries if _belongs(entry.command, entry.argv, volume))
        parts.append(watched.part(volume, mine, code, log, file.read_text().splitlines()))
    first: Mapping[Aspect, Lines] = {**parts[0], Aspect.LOG: tuple(sorted(parts[0][Aspect.LOG]))}
    return (first, {**parts[1], Aspect.LOG: ()})


def _belongs(command: str, argv: Sequence[str], volume: str) -> bool:
    if command:
        return volume in command
    return _instance_of(next(int(word.removeprefix("moref:vm-")) for word in argv if "moref:" in word)) == volume


def _instance_of(vm: int) -> str:
    """The volume whose job a VM belongs to, where there are two."""
    return INSTANCES[vm > 2000]

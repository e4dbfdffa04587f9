"""The original batch under cmd.exe beside `snapall run --order paper`, scenario by scenario, at the same kind of lab.

`python -m tests.windows.beside [--all | SCENARIO...]` prints a table, and exits with 1 for a difference that
docs/differences.md does not allow. Without arguments it takes the sample that CI runs. snapall runs in this Python: in
one for Windows, under Wine too, both are programs of Windows; on Linux only the batch is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from snapall.lab.config_file import string
from tests.conformity.observed import Aspect, Lines, Observation, differing, value
from tests.conformity.recordings import recording
from tests.conformity.replay import perform, performed
from tests.conformity.scenarios import setting_of
from tests.conformity.table import differences, expected
from tests.lab.atlab import AtLab
from tests.windows.batch import COMPARABLE, batch_performed
from tests.windows.interpreter import ON_WINDOWS, Interpreter, interpreter
from tests.windows.programs import LabPrograms
from tests.windows.standins import StandIns

ORDER = "paper"
SAMPLE = (
    *("a_happy", "a_happy_strict", "a_happy_vcuser_env", "a_first_run_no_filer_snaps", "a_one_vm"),
    *("b_filer_create_fails", "b_filer_delete_fails", "b_filer_down", "b_filer_rename_mid_fails"),
    *("c_vcb_create_crashes", "c_vcb_create_fails_one_vm", "c_vcb_delete_crashes_last", "c_vcb_missing_exe"),
    *("d_osql_loginfail", "d_osql_nofile_stale", "d_osql_second_crash_nofile", "e_alien_quiesce"),
    *("x_log_locked", "x_password_with_amp", "x_start_elsewhere"),
)
# Where the batch differs from its recording for a reason of the lab's, and the reason.
EXPLAINED = {("a_template_in_ds", aspect): "SQLite lists VM 112 before 1226" for aspect in (Aspect.VCB, Aspect.LOG)}
# The recording's stand-ins and the lab word their errors differently; both are imitations.
_WORDED = (
    (re.compile(r"(Error: Other error encountered|usage: vcbsnapshot).*"), "<an error of vcbsnapshot>"),
    (re.compile(r"Snapshot (\S+ )?(already exists|does not exist)\.|No such snapshot\."), "<an error of the filer>"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One scenario. `commands`: how many of the batch's were compared; a fault is a difference that nothing allows."""

    scenario: str
    commands: int
    explained: Lines
    allowed: Lines
    faults: Lines

    def row(self) -> str:
        """A line of the table."""
        verdict = "DIFFERENT" if self.faults else "same" if not self.allowed else "allowed"
        notes = "; ".join([*self.allowed, *self.explained])
        return f"{self.scenario:<30} {self.commands:>8}  {verdict:<9}  {notes}".rstrip()


def worded(lines: Iterable[str]) -> Lines:
    """Lines of a log, what a program says about a failure in one wording."""
    found = []
    for line in lines:
        hits = (words for pattern, words in _WORDED if pattern.fullmatch(line))
        found.append(next(hits, line))
    return tuple(found)


def compared(scenario: str, batch: Observation, snapall: Observation) -> Compared:
    """Hold the batch against its recording, and snapall against the batch."""
    recorded = recording(scenario).seen
    apart = differing(_in_one_wording(recorded), _in_one_wording(batch))
    explained = {EXPLAINED[scenario, aspect]: None for aspect in apart if (scenario, aspect) in EXPLAINED}
    faults = [
        f"{aspect}: the batch does {found}, recorded is {value(recorded, aspect)}"
        for aspect, found in apart.items()
        if (scenario, aspect) not in EXPLAINED
    ]
    stated, reasons = expected(), _reasons()
    allowed: dict[str, list[str]] = {}
    for aspect, ours in differing(batch, snapall).items():
        key = (scenario, ORDER, aspect)
        if stated.get(key) == ours:
            allowed.setdefault(reasons[key], []).append(aspect)
        else:
            faults.append(f"{aspect}: snapall does {ours}, the batch {value(batch, aspect)}")
    commands = sum(len(part[aspect]) for part in batch for aspect in (Aspect.FILER, Aspect.VCB))
    names = [f"{reason} ({', '.join(aspects)})" for reason, aspects in sorted(allowed.items())]
    return Compared(scenario, commands, tuple(explained), tuple(names), tuple(faults))


def _in_one_wording(seen: Observation) -> Observation:
    return tuple({**part, Aspect.LOG: worded(part[Aspect.LOG])} for part in seen)


def _reasons() -> dict[tuple[str, str, Aspect], str]:
    """What each stated difference is called: its number in docs/differences.md, or its title."""
    return {
        (scenario, order, row.aspect): str(one.defect or f'"{one.title}"')
        for one in differences()
        for row in one.rows
        for scenario in row.scenarios
        for order in row.orders
    }


def snapall_performed(scenario: str, peer: Interpreter) -> Observation:
    """snapall's run in a scenario; on Windows with the batch's own stand-ins: vcbsnapshot, and what locks the log."""

    def fit(lab: AtLab, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        programs = StandIns(LabPrograms(lab.world, strict=True, osql={}, blank_line=True))
        stack.callback(programs.close)
        programs.place(folder, ["vcbsnapshot", "holder"])
        line = next(line for line in lab.config.read_text().splitlines() if line.startswith("vcbsnapshot"))
        lab.edit(line, f"vcbsnapshot = [{string(str(folder / 'vcbsnapshot.exe'))}]")
        if lock := setting_of(scenario).get("lock"):
            log = lab.lab.directory / "snapall.log"
            stack.enter_context(peer.held(folder / "holder.exe", log, lock["share"]))

    return perform(scenario, ORDER, fit) if ON_WINDOWS else performed(scenario, ORDER)


def beside(scenario: str, peer: Interpreter) -> Compared:
    """Perform a scenario both ways."""
    return compared(scenario, batch_performed(scenario, peer), snapall_performed(scenario, peer))


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit code."""
    peer = interpreter()
    if isinstance(peer, str):
        sys.stderr.write(f"{peer}\n")
        return 2
    scenarios = COMPARABLE if "--all" in arguments else arguments or SAMPLE
    sys.stdout.write(f"{'scenario':<30} commands  verdict    differences allowed by docs/differences.md\n")
    bad = 0
    for scenario in scenarios:
        result = beside(scenario, peer)
        bad += bool(result.faults)
        sys.stdout.write("\n    ".join([result.row(), *result.faults]) + "\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(scenarios)} scenarios, {bad} with a difference that nothing allows\n")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A recorded scenario performed by the original batch itself: cmd.exe runs it, the lab answers its programs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from filelock import FileLock

from snapall.backup.outfile import replace_content
from tests.conformity.observed import Aspect, Observation, Part, VcbCall, logins, plain
from tests.conformity.recordings import ASKED, SCENARIOS, recording
from tests.conformity.replay import NoCapture, TrackedLab, made_in
from tests.conformity.scenarios import ACCESS_VIOLATION, filer_fault, setting_of, site_of, vcb_fault
from tests.lab.atlab import AtLab
from tests.windows.interpreter import Interpreter, skips_blank_lines
from tests.windows.programs import LabPrograms
from tests.windows.standins import StandIns

FIXTURES = Path(__file__).parents[2] / "fixtures" / "bat"
VCB = Path("Program Files") / "VMware" / "VMware Consolidated Backup Framework"
# Two copies of the batch race for one log: what comes of it is chance, and was recorded once.
RACES = tuple(name for name in SCENARIOS if name.startswith("g_"))
COMPARABLE = tuple(name for name in SCENARIOS if name not in RACES)
TIME = re.compile(r"^(Script Execution \w+ at ).*\S")  # `%date% %time%`, in whatever format
STRICT = ("a_happy_strict_4nights",)  # of several nights only the name says so


@dataclass(frozen=True, slots=True)
class Scene:
    """Where one scenario's batch runs: its lab, its programs, and the folders that it uses."""

    tracked: TrackedLab
    programs: StandIns
    peer: Interpreter
    folder: Path  # the batch's own, and its current one
    vcb: Path  # the one that it changes into
    path: Path  # where Windows finds programs
    variables: Mapping[str, str]

    @property
    def log(self) -> Path:
        """The log that counts."""
        return self.vcb / "snapall.log"

    def logged(self) -> bytes:
        """What is in it. One that another program holds alone cannot be read, nor was it written."""
        with suppress(FileNotFoundError, PermissionError):
            return self.log.read_bytes()
        return b""


def batch_performed(scenario: str, peer: Interpreter) -> Observation:
    """What the batch does in a scenario, night by night, in the recordings' form."""
    with scene(scenario, peer) as stage:
        return tuple(_night(stage) for _ in recording(scenario).seen)


@contextmanager
def scene(scenario: str, peer: Interpreter) -> Iterator[Scene]:
    """Build the lab and the folders of a scenario."""
    setting = setting_of(scenario)
    control: Mapping[str, Any] = setting.get("control", {})
    with ExitStack() as stack:
        here = Path(stack.enter_context(TemporaryDirectory()))
        lab = AtLab(here, NoCapture(), site=site_of(scenario))
        stack.callback(lab.close)
        _plant(lab, control)
        osql = {key.removeprefix("osql."): how for key, how in control.items() if key.startswith("osql.")}
        strict = "vcb.strict" in control or scenario in STRICT
        blank_line = skips_blank_lines(peer)
        programs = StandIns(LabPrograms(lab.world, strict, osql, blank_line))
        stack.callback(programs.close)
        vcb = stack.enter_context(vcb_folder(peer))
        programs.place(here / "path", ["RSH", "holder"])
        if not setting.get("no_vcb_dir"):
            programs.place(vcb, {"osql", "vcbsnapshot"} - set(setting.get("missing_exe", ())))
        folder = here / "elsewhere" if setting.get("elsewhere") else vcb
        folder.mkdir(exist_ok=True)
        replace_content(folder / "snapall.bat", batch_of(setting), 0o644)
        for name, text in setting.get("files", {}).items():
            (vcb / name).write_bytes((text if blank_line else text.replace("\r\n\r\n", "\r\n")).encode())
        made = Scene(TrackedLab(lab), programs, peer, folder, vcb, here / "path", setting.get("env", {}))
        if "lock" in setting:
            stack.enter_context(peer.held(here / "path" / "holder.exe", made.log, setting["lock"]["share"]))
        yield made


@contextmanager
def vcb_folder(peer: Interpreter) -> Iterator[Path]:
    """The folder that the batch changes into, which is not there yet: one process has it at a time."""
    folder = peer.drive / VCB
    with FileLock(Path(gettempdir()) / "snapall-tests-vcb.lock"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def batch_of(setting: Mapping[str, Any]) -> bytes:
    """The script of a scenario: the paper's with the values filled in, or as it was changed."""
    name = "paper.bat" if "vals" in setting and setting["vals"] is None else "filled.bat"
    text = (FIXTURES / name).read_bytes().decode()
    for variable, value in (setting.get("vals") or {}).items():
        before, _, rest = text.partition(f"set {variable}=")
        text = before + f"set {variable}={value}\r\n" + rest.partition("\r\n")[2]
    for old, new in setting.get("subst", ()):
        text = text.replace(old, new)
    if not setting.get("strip", True):
        text = text.replace("\r\n", " \r\n")
    return text.encode()


def _plant(lab: AtLab, control: Mapping[str, Any]) -> None:
    for what, how in control.items():
        match what.split("."):
            case ["vcb", "create" | "delete" as verb, vm]:
                lab.fault(vcb_fault(verb, vm, how, ACCESS_VIOLATION))
            case ["rsh", *call]:
                lab.fault(filer_fault(call, how))
            case _:
                pass  # of osql, or of the login: LabPrograms


def _night(stage: Scene) -> Part:
    before, logged = len(stage.programs.calls), len(stage.logged())
    ended = stage.peer.run("snapall.bat", stage.folder, path=stage.path, variables=stage.variables)
    entries = stage.tracked.new_entries()
    stage.tracked.follow(entries)
    calls = [call for call, _ in stage.programs.calls[before:]]
    log = [TIME.sub(r"\1<time>", line) for line in stage.logged()[logged:].decode("cp437").splitlines()]
    made = made_in(stage.tracked.lab.ledger)
    vcb = [VcbCall.of(call.argv) for call in calls if call.name == "vcbsnapshot"]
    queries = [" ".join(call.argv) for call in calls if call.name == "osql"]
    return {
        **stage.tracked.part("vmvol1", entries, ended.code, [], []),
        Aspect.FILER: tuple(" ".join(call.argv[1:]) for call in calls if call.name == "RSH"),
        Aspect.VCB: plain([call.arguments for call in vcb], made),
        Aspect.LOGIN: logins(vcb),
        Aspect.DATABASE: tuple(table for table, text in ASKED.items() if any(text in one for one in queries)),
        Aspect.LOG: plain(log, made),
    }

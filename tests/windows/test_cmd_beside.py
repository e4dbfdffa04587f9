"""The rehearsal of a batch beside cmd.exe: the same commands, the same files, the same errorlevel."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.windows.batch import FIXTURES, VCB, vcb_folder
from tests.windows.cmdrun import PROGRAMS, Command, Observed, run_under_cmd
from tests.windows.fragments import FILES, batches
from tests.windows.interpreter import Interpreter
from tests.windows.standins import StandInReply

cmd: Any = pytest.importorskip("snapall.config.cmd", reason="this version rehearses no batch")

COUNT = int(os.environ.get("SNAPALL_BATCHES", "25"))
PAPER = "C:\\snapall"
SNAPSHOTS = "         108        1228 \r\n         110        1229 \r\n(2 rows affected)\r\n"
VMS = "         108 \r\n         110 \r\n(2 rows affected)\r\n"
TIME = re.compile(r"(Script Execution \w+ at ).*")
CUT = "s3cret"  # what an ampersand in a password of ampersand.bat makes a command
# Written for other folders and drives than the paper's.
ELSEWHERE = {"another_hand.bat", "german.bat"}
BATCHES = sorted(path.name for path in FIXTURES.glob("*.bat") if path.name not in ELSEWHERE)

Outcome = tuple[int, str, dict[str, str]]
Program = Callable[[str, Sequence[str]], Outcome]


def ended(name: str, words: Sequence[str]) -> Outcome:
    """What a program of a generated batch does: `endN` is its exit code, `-o made.txt` its file."""
    last = words[-1] if words else ""
    code = int(last[3:]) if re.fullmatch(r"end\d", last) else 0
    return code, f"{name} {' '.join(words)}\n", {"made.txt": "1 2\n3 4\n"} if "-o" in words else {}


def at_site(failing: str) -> Program:
    """The programs of a site; the one of that name ends with 1."""

    def program(name: str, words: Sequence[str]) -> Outcome:
        files = {}
        if name == "osql":
            query = words[words.index("-Q") + 1]
            files = {words[words.index("-o") + 1]: SNAPSHOTS if "VPX_SNAPSHOT" in query else VMS}
        return int(name == failing), f"{name}\n", files

    return program


def rehearsed(batch: bytes, folder: str, files: Mapping[str, bytes], program: Program) -> Observed:
    """Run it on paper."""
    there = {f"{folder}\\{name}".lower().replace("/", "\\"): data for name, data in files.items()}

    def answer(call: Any) -> Any:
        code, out, written = program(call.name, call.words)
        return cmd.Answer(code, out, files=written)

    setting = cmd.Setting(folder=folder, read=lambda path: there.get(path.lower()), names=tuple(there))
    found = cmd.rehearse(batch, "night.bat", setting, answer)
    assert found.stop is None, found.stop
    sent = [event for event in found.events if isinstance(event, cmd.Sent)]
    left = {path: data.decode().replace("\r\n", "\n") for path, data in there.items()}
    left |= {path.lower(): text for path, text in found.files.items()}
    named = {path[len(folder) + 1 :].replace("\\", "/"): text for path, text in left.items()}
    commands = tuple(Command(call.name, tuple(call.words), call.exit_code) for call in sent)
    return Observed(commands, named, found.errorlevel & 0xFF)


def under_cmd(batch: bytes, folder: Path, program: Program, peer: Interpreter) -> Observed:
    """Run it in this folder, where `night.bat` does not count as a file that it left."""

    def answer(call: Any) -> StandInReply:
        code, out, written = program(call.name.lower(), call.argv)
        return StandInReply(code, out, file=next(iter(written.items()), None))

    (folder / "night.bat").write_bytes(batch)
    found = run_under_cmd(folder, "night.bat", answer, peer, (*PROGRAMS, CUT))
    return Observed(found.commands, {k: v for k, v in found.files.items() if k != "night.bat"}, found.errorlevel)


def timeless(found: Observed) -> Observed:
    files = {name: TIME.sub(r"\1<time>", text) for name, text in found.files.items()}
    return Observed(found.commands, files, found.errorlevel)


@settings(
    max_examples=COUNT,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # to make an example smaller takes minutes
    suppress_health_check=list(HealthCheck),
)
@given(text=batches())
def test_a_generated_batch_does_on_paper_what_it_does_under_cmd(text: str, peer: Interpreter) -> None:
    files = {name: content.encode() for name, content in FILES.items()}
    with TemporaryDirectory() as name:
        for file, data in files.items():
            (Path(name) / file).parent.mkdir(exist_ok=True)
            (Path(name) / file).write_bytes(data)
        assert rehearsed(text.encode(), PAPER, files, ended) == under_cmd(text.encode(), Path(name), ended, peer)


@pytest.mark.parametrize(
    ("name", "failing"),
    [*((name, "nothing") for name in BATCHES), *(("fixed.bat", name) for name in ("rsh", "vcbsnapshot", "osql"))],
)
def test_a_batch_of_the_fixtures_does_on_paper_what_it_does_under_cmd(
    name: str, failing: str, peer: Interpreter
) -> None:
    batch = (FIXTURES / name).read_bytes()
    with vcb_folder(peer) as folder:
        folder.mkdir()
        real = under_cmd(batch, folder, at_site(failing), peer)
    paper = rehearsed(batch, "C:\\" + "\\".join(VCB.parts), {}, at_site(failing))
    assert timeless(paper) == timeless(real)
    assert real.commands

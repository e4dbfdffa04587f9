"""What reaches a terminal: whatever stands on the command line, in a configuration's values, or in an event."""

from __future__ import annotations

import io
import os
import tomllib
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from rich.console import Console

from snapall import cli
from snapall.app.import_batch import write
from snapall.backup.facts import (
    FORMAT,
    Answered,
    Began,
    Confirmed,
    Failed,
    Gone,
    Intent,
    LeftOut,
    NamesDiffer,
    ReleaseBegan,
    Started,
    Surveyed,
    TakenOver,
    VmLost,
    Warned,
    Withheld,
)
from snapall.backup.model import FilerSnapshot, Pace, Survey, Vm
from snapall.backup.origins import Provenance
from snapall.backup.plan import PlanContext, build
from snapall.backup.record import OutstandingFound, Record, Stage, StageBegan, Waiting, What
from snapall.backup.steps import Capture, Child, Quiesce, Refusal, Unknown
from snapall.config.batch.source import source_of
from snapall.config.load import from_batch, load, parse, validated
from snapall.config.tomlfile import dotted
from snapall.config.values import Reading
from snapall.errors import ConfigError
from snapall.views.console import ending, screen
from snapall.views.plan import Outlook, plan_lines
from snapall.views.progress import Progress
from tests.backup.simulated import JOB
from tests.config.test_config import ENVIRON, PLAIN
from tests.hostile.inputs import SALT, blobs, texts
from tests.hostile.reader import FIXTURES, STAMP, Reader, assert_printable, assert_rendered_safely
from tests.hostile.shapes import EDITS, retyped


class Terminal(io.StringIO):
    """A stream that says it is a terminal: nothing is filtered out on the way to it."""

    def isatty(self) -> bool:
        return True


def arguments(words: list[str], folder: Path) -> None:
    """`snapall WORDS...`, with whatever the system lets stand there, where a faulty configuration lies."""
    argv = [os.fsdecode(word.replace("\0", "").encode("utf-8", "surrogatepass")) for word in words]
    (folder / "snapall.toml").write_text('[filers."\\u202e\\u001b[31m"]\n')
    stdout, stderr, code = Terminal(), Terminal(), None
    with chdir(folder), redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            cli.main(argv)
        except SystemExit as ended:
            code = ended.code
    assert code in (0, 2), (code, stderr.getvalue())
    for line in f"{stdout.getvalue()}\n{stderr.getvalue()}".split("\n"):
        assert_printable(line)


def config_values(edits: list[tuple[str, int, int, Any]], folder: Path) -> None:
    """A configuration whose values are of other types, and whose complaint can be shown."""
    (folder / "id_rsa").write_text("a key\n")
    raw = retyped(RAW, edits)
    try:
        place = Reading(folder, ENVIRON)
        validated(raw, folder / "snapall.toml", place, lambda fault: f"{dotted(fault.path)}: {fault.text}")
    except ConfigError as error:
        for line in error.message.split("\n"):
            assert_printable(line)
        raise


def config_text(text: str, folder: Path) -> None:
    """The same of a text: the complaint can be shown as it is."""
    (folder / "id_rsa").write_text("a key\n")
    try:
        parse(text, folder / "snapall.toml", ENVIRON)
    except ConfigError as error:
        for line in error.message.split("\n"):
            assert_printable(line)
        raise


def imported(given: tuple[bytes, str], folder: Path) -> None:
    """A batch and its overlay become a file that says the same, and what is told of it can be shown."""
    data, overlay = given
    for path in folder.iterdir():
        path.unlink()
    (folder / "snapall.bat").write_bytes(data)
    (folder / "snapall.bat.toml").write_bytes(overlay.encode("utf-8", "replace"))
    try:
        made = write(folder / "snapall.bat", None, "file", with_secrets=True, environ=ENVIRON)
    except ConfigError as error:
        for line in error.message.split("\n"):
            assert_printable(line)
        raise
    assert_rendered_safely(*(Warned(line) for line in made.lines()))
    again = load(folder / "snapall.toml", ENVIRON)
    assert again.jobs == from_batch(source_of(folder / "snapall.bat"), ENVIRON).jobs


def drawn(given: tuple[list[str], str, str], _folder: Path) -> None:
    """The console, at any moment of a night, and the plan: what they export holds nothing but what can be shown."""
    names, text, hint = given
    vms = tuple(Vm(100 + n, name, name[::-1]) for n, name in enumerate(names))
    row = FilerSnapshot("vmware_recent", text, (text,))
    plan = build(
        JOB, Survey(vms, (), {"v": (row,)}, "NetApp Release 7.0.2"), Provenance(), PlanContext(), "20070322T030000Z"
    )
    progress, step = Progress(), Quiesce(Vm(100, text, hint), text)
    whats: list[What] = [
        *(
            Began(JOB, "20070322T030000Z", text, hint, Pace(), text, format=FORMAT),
            OutstandingFound(step.vm, text, text),
        ),
        *(Surveyed((text,), vms, (), (), ()), Waiting(STAMP, text), Warned(text, hint), Failed(text, hint)),
        *(
            StageBegan(Stage.QUIESCE),
            Intent(1, step),
            Started(1, Child(7, 1.0)),
            Answered(1, Unknown(text, text), 1.0),
        ),
        *(
            Intent(2, step),
            Answered(2, Refusal(text, text), 1.0),
            LeftOut(100, text),
            Withheld(100, text, hint),
        ),
        *(
            Intent(3, Capture("v", text)),
            Confirmed("v", text, hint),
            ReleaseBegan(text),
            NamesDiffer("v", text),
        ),
        *(VmLost(100), Gone(100, text), TakenOver(text, hint)),
    ]
    assert_rendered_safely(*whats)
    for what in whats:
        progress(Record(STAMP, what))
    console = Console(file=io.StringIO(), width=100, record=True, highlight=False)
    console.print(screen(progress, STAMP, 100, 60))
    console.print(ending(progress, 100))
    for line in [*console.export_text().split("\n"), *plan_lines(Outlook((), plan, str, 4), 80)]:
        assert_printable(line)


RAW = tomllib.loads(PLAIN)
WORDS = st.one_of(
    st.sampled_from(
        ["plan", "list", "run", "recover", "datastores", "import", "--config", "--keep", "--order", "--json"]
    ),
    st.sampled_from(
        ["vol1", "snapall.toml", "x.bat", "-c", "--", "safe", "", "A" * 300, "A" * 300 + ".toml", "a/b.toml"]
    ),
    st.sampled_from(SALT),
    st.text(max_size=20),
)
TEXT = st.one_of(st.sampled_from(SALT), st.text(max_size=60), st.builds("{}{}{}".format, st.text(max_size=9),
                 st.sampled_from(SALT), st.text(max_size=9)))  # fmt: skip
BATS = [(FIXTURES / "bat" / name).read_bytes().decode("latin-1") for name in ("filled.bat", "two_volumes.bat")]
OVERLAY = '[vcenter]\npassword = "p\\u202e"\n[jobs.vmvol1]\ndatastores = [688]\nvms = { "a*" = "skip" }\n'

READERS = (
    Reader("configuration, retyped", EDITS, config_values, (ConfigError,)),
    Reader("configuration, told", texts(PLAIN), config_text, (ConfigError,)),
    Reader("import", st.tuples(blobs(*BATS), texts(OVERLAY, "")), imported, (ConfigError,)),
    Reader("console and plan", st.tuples(st.lists(TEXT, min_size=1, max_size=5), TEXT, TEXT), drawn),
    Reader("command line", st.lists(WORDS, max_size=5), arguments),
)

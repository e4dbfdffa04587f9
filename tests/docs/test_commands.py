"""The commands that the pages show: each is one that there is, with options that it has, and is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from snapall import cli
from tests.config.batches import with_the_batch
from tests.conformity.scenarios import site_of
from tests.lab.atlab import AtLab

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def parts_of(text: str) -> tuple[str, str]:
    """The text outside of blocks, and that of the blocks with commands."""
    parts = re.split(r"^```(\w*)$", text, flags=re.MULTILINE)  # text, kind, block, "", text, kind, block and so on
    blocks = [block for kind, block in zip(parts[1::4], parts[2::4], strict=True) if kind in {"sh", "cron", "bat", ""}]
    return "\n".join(parts[0::4]), "\n".join(blocks)


def commands_of(text: str) -> Iterator[list[str]]:
    """Every command of snapall in inline code and in blocks, as words."""
    inline, blocks = parts_of(text)
    shown = [found[1] for found in re.finditer(r"`(snapall [^`]+)`", inline)]
    shown += [found[1] for found in re.finditer(r"(?:^|[\s\\/])(snapall(?:\.exe)? +[a-z][^#\n]*)", blocks)]
    for command in shown:
        for part in re.split(r"&&|\|", " ".join(command.split())):
            words = shlex.split(part.replace("'", " ").replace('"', " "))
            if words and words[0].removesuffix(".exe") == "snapall":
                yield words


def every_command() -> list[tuple[str, list[str]]]:
    told = [(page.name, page.read_text(encoding="utf-8")) for page in PAGES]
    return [(name, words) for name, text in told for words in commands_of(text)]


def every_example() -> list[tuple[str, list[str]]]:
    """The options below the commands' own help."""
    tree = typer.main.get_command(cli.app)
    assert isinstance(tree, typer.core.TyperGroup)
    texts = [(name, line) for name, one in tree.commands.items() for line in (one.epilog or "").splitlines()]
    return [(name, shlex.split(line.removeprefix("Example: "))) for name, line in texts if line.startswith("Example: ")]


@pytest.mark.parametrize(
    ("page", "words"), [*every_command(), *every_example()], ids=lambda one: " ".join(one) if type(one) is list else one
)
def test_every_command_on_a_page_exists(page: str, words: list[str]) -> None:
    tree = typer.main.get_command(cli.app)
    assert isinstance(tree, typer.core.TyperGroup)
    if words[1].startswith("-"):
        known = {name for param in tree.params for name in param.opts} | {"--help"}
        assert words[1] in known, page
        return
    command = tree.commands.get(words[1])
    assert command is not None, f"{page}: {' '.join(words)}"
    if isinstance(command, typer.core.TyperGroup):
        command = command.commands[words[2]]
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
    for option in (word.partition("=")[0] for word in words[2:] if word.startswith("--")):
        assert option in known, f"{page}: {' '.join(words)}"


def test_every_command_has_an_example_of_itself() -> None:
    assert all(name == words[1] for name, words in every_example())
    tree = typer.main.get_command(cli.app)
    assert isinstance(tree, typer.core.TyperGroup)
    assert {name for name, _ in every_example()} == set(tree.commands) - {"lab"}


def test_the_pages_show_every_command() -> None:
    tree = typer.main.get_command(cli.app)
    assert isinstance(tree, typer.core.TyperGroup)
    assert set(tree.commands) <= {words[1] for _, words in every_command()}


ELSEWHERE = {  # which other tests run them
    "demo": "tests/app/test_demo.py, and .ci/run by the README's own line",
    "docs": "tests/app/test_shipped.py",
    "drill": "tests/drill",
    "explain": "tests/docs/test_messages_page.py",
    "import": "tests/app/test_import.py",
    "init": "tests/app/test_init.py",
    "lab": "tests/app/test_demo.py",
    "verify": "tests/end_to_end/test_verify.py",  # needs LUNs, and a table that says how they are read
    "mount": "tests/end_to_end/test_use_backup.py",
    "schedule": "tests/app/test_schedule.py",  # on stand-ins for this machine's own schedulers
    "restore": "tests/end_to_end/test_use_backup.py",
    "schema": "tests/config/test_json_schema.py",
    "unmount": "tests/end_to_end/test_use_backup.py",
}


NOT_HERE = (
    ["doctor", "--notify"],  # needs a channel: tests/end_to_end/test_notify.py
    ["recover", "--accept", "ID"],  # needs a restore that was broken off: tests/end_to_end/test_use_killed.py
)


PLACEHOLDER = r"[A-Z]{3}|[\[\]<>]"
"""JOB, [--json], and <name> in the messages."""


def to_be_run(batch: bool) -> list[list[str]]:
    """Every command that is shown with all its words, once and without its --config; a run comes first."""
    found = []
    for _, words in [*every_command(), *every_example()]:
        told = words[1:]
        if told[0].startswith("-") or told[0] in ELSEWHERE or any(re.search(PLACEHOLDER, one) for one in told):
            continue
        config = told[told.index("--config") + 1] if "--config" in told else "snapall.toml"
        if config.endswith(".bat") is batch and told not in NOT_HERE:
            found.append([one for one in told if one not in {"--config", config}])
    unique = [list(one) for one in dict.fromkeys(map(tuple, found))]
    return sorted(unique, key=lambda one: one != ["run"])


def test_every_command_on_a_page_runs_and_succeeds(
    at_lab: Callable[..., AtLab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = at_lab(parallel=4)
    monkeypatch.chdir(tmp_path)  # pictures are saved there
    commands = to_be_run(batch=False)
    assert {one[0] for one in commands} | set(ELSEWHERE) == {words[1] for _, words in every_example()} | {"lab"}
    stamp = ""
    for words in commands:
        ended = night(*(stamp if one.startswith("20070322T") else one for one in words))
        assert ended.code == 0, f"{words}: {ended.err}"
        stamp = stamp or (night.world.listing("vmvol1")[0].name and _stamp(night))
    assert (tmp_path / "night.svg").read_text(encoding="utf-8").startswith("<svg")
    night.assert_nothing_is_quiesced()


def _stamp(night: AtLab) -> str:
    (journal,) = (night.lab.directory / "snapall.state" / "journals").glob("*.jsonl")
    return journal.stem.removeprefix("vol1-")


def test_every_command_shown_for_a_batch_runs_with_it(at_lab: Callable[..., AtLab]) -> None:
    night = with_the_batch(at_lab(site=site_of("a_happy_vcuser_env")))
    commands = to_be_run(batch=True)
    assert ["plan", "--order", "paper"] in commands
    for words in commands:
        ended = night(*words)
        assert ended.code == 0, f"{words}: {ended.err}"
    night.assert_shifted_by_one()

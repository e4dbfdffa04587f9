"""The commands that the pages show: each is one that there is, with options that it has, and those of a morning run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from snapall import cli
from tests.atlab import AtLab

ROOT = Path(__file__).parents[1]
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
    return [(page.name, words) for page in PAGES for words in commands_of(page.read_text(encoding="utf-8"))]


def every_example() -> list[tuple[str, list[str]]]:
    """Those that stand below the commands' own help."""
    tree = typer.main.get_command(cli.app)
    assert isinstance(tree, typer.core.TyperGroup)
    texts = [(name, line) for name, one in tree.commands.items() for line in (one.epilog or "").splitlines()]
    return [(name, shlex.split(line.removeprefix("Example: "))) for name, line in texts if line.startswith("Example: ")]


@pytest.mark.parametrize(
    ("page", "words"), [*every_command(), *every_example()], ids=lambda one: " ".join(one) if type(one) is list else one
)
def test_a_command_that_a_page_shows_is_one_that_there_is(page: str, words: list[str]) -> None:
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


def test_the_readmes_morning_is_run_line_by_line(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab()
    assert night("run").code == 0
    morning = (ROOT / "README.md").read_text(encoding="utf-8").split("## In the morning")[1].split("```")[1]
    lines = [words[1:] for words in commands_of(f"```sh\n{morning.partition(chr(10))[2]}```\n")]
    assert [words[0] for words in lines] == ["status", "show", "stats", "audit"]
    for command, *words in lines:
        ended = night(command, *words)
        assert ended.code == 0, ended.err
        assert ended.out

"""The shipped JSON schema: it is what the settings say, and it accepts what snapall accepts."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest

from snapall import cli
from snapall.config.json_schema import SHIPPED, directive
from tests.config.json_schema import accepts, text
from tests.config.test_config import PLAIN, with_key
from tests.lab.atlab import AtLab

Make = Callable[..., AtLab]
SCHEMA = json.loads(SHIPPED.read_text(encoding="utf-8"))
ROOT = Path(__file__).parents[2]


def test_the_shipped_file_is_made_from_the_settings_as_they_are() -> None:
    assert json.loads(text()) == SCHEMA


def test_the_command_prints_the_shipped_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["schema"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == SHIPPED.read_text(encoding="utf-8")


def test_an_editor_finds_the_shipped_file_by_the_first_line() -> None:
    keyword, _, url = directive().partition(" ")
    assert keyword == "#:schema"
    assert urlparse(url).scheme == "file"
    assert Path(url2pathname(urlparse(url).path)) == SHIPPED


def test_the_schema_accepts_what_the_pages_show_and_the_lab_writes(at_lab: Make) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    shown = [tomllib.loads(block.split("```")[0]) for block in text.split("```toml\n")[1:]]
    whole = [table for table in shown if "host" in table.get("vcenter", {}) and "jobs" in table]  # others are overlays
    for table in (*whole, tomllib.loads(PLAIN), tomllib.loads(at_lab().config.read_text(encoding="utf-8"))):
        assert accepts(SCHEMA, table)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("vcenter", "parallel = 0"),
        ("vcenter", "parallel = true"),
        ("vcenter", "timeout = 0"),
        ("vcenter", "vcbsnapshot = []"),
        ("vcenter", "paralel = 4"),
        ("database", "password = 3"),
        ("database", 'password = { env = "A", file = "b" }'),
        ("filers.filer1", 'transport = "telnet"'),
        ("jobs.vol1", 'chain = ["-x"]'),
        ("jobs.vol1", 'vms = { a = "maybe" }'),
        ("jobs.vol1", 'hooks = { before = "true" }'),
    ],
)
def test_the_schema_refuses_what_snapall_refuses(table: str, line: str) -> None:
    assert not accepts(SCHEMA, tomllib.loads(with_key(table, line)))


@pytest.mark.parametrize(
    "line", ['vms = { "test-*" = "skip" }', 'datastores = ["VM vol"]', "max_age = 26.5", 'chain = ["a", "b"]']
)
def test_the_schema_accepts_what_snapall_accepts(line: str) -> None:
    key = line.split(" ", 1)[0]
    plain = "\n".join(one for one in PLAIN.split("\n") if not one.startswith(f"{key} ="))
    assert accepts(SCHEMA, tomllib.loads(plain.replace("[jobs.vol1]\n", f"[jobs.vol1]\n{line}\n")))

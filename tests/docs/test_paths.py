"""Every path, module, function, message and link that a page names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import snapall
from tests.docs.test_commands import PAGES, ROOT

PACKAGE = Path(snapall.__file__).parent
PAGE_FILES = [*PAGES, ROOT / "fixtures/batch/README.md", *ROOT.glob("SECURITY.md")]
FOLDERS = ("tests", "docs", "fixtures", "sql")
ENDINGS = ("py", "toml", "md", "sql", "yml", "txt", "json")
THE_USERS_OWN = {"snapall.toml", "snapall.bat.toml", "vmlist.txt", "sslist.txt", ".toml", "requirements.txt"}
ONLY_IN_A_CHECKOUT = {"SECURITY.md", "LICENSE", "noxfile.py", "requirements-dev.txt", ".github/workflows/ci.yml"}
by_page = pytest.mark.parametrize("page", PAGE_FILES, ids=lambda page: page.relative_to(ROOT).as_posix())


@cache
def names() -> frozenset[str]:
    """Every file and folder that a page may name, relative to the root of the project."""
    found = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*")}
    found |= {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*")}
    found |= {path.name for path in ROOT.iterdir()} | {"snapall", *ONLY_IN_A_CHECKOUT}
    return frozenset(found)


def is_there(name: str) -> bool:
    """Whether a name is a path, or the end of one."""
    pattern = re.compile(rf"(?:.*/)?{re.escape(name.strip('/')).replace(re.escape('*'), '[^/]*')}")
    return any(pattern.fullmatch(path) for path in names())


def inline_code(text: str) -> Iterator[str]:
    """The inline code of a page, without the column that says how things were before."""
    lines = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).split("\n")
    old = False
    for line in lines:
        old = line.startswith("|") and (old or line.endswith("| before |"))
        yield from re.findall(r"`([^`]+)`", line.rsplit("|", 2)[0] if old else line)


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)}


@by_page
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    named = [
        code
        for code in inline_code(page.read_text(encoding="utf-8"))
        if re.fullmatch(rf"[\w.*-]+(/[\w.*-]+)*(\.({'|'.join(ENDINGS)})|/)", code)
        or re.fullmatch(rf"({'|'.join(FOLDERS)}|snapall)(/[\w.*-]+)+", code)
    ]
    assert [name for name in named if name not in THE_USERS_OWN and not is_there(name)] == []


@by_page
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    modules = set(re.findall(r"\b(?:-m |`)((?:tests|snapall)(?:\.\w+)+)", text))
    files = {one: one.replace(".", "/") for one in modules}
    assert [one for one, file in files.items() if not (is_there(f"{file}.py") or is_there(f"{file}/__main__.py"))] == []


@by_page
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8"))
    dead = []
    for path, anchor in links:
        if "://" in path:
            continue
        target = page.parent / path if path else page
        if not target.exists():
            dead += [path] if target.name not in ONLY_IN_A_CHECKOUT else []
        elif anchor and anchor not in anchors(target):
            dead.append(f"{path}#{anchor}")
    assert dead == []


@by_page
def test_every_code_that_a_page_names_is_that_of_a_message(page: Path) -> None:
    known = (ROOT / "docs/causes.toml").read_text(encoding="utf-8")
    codes = set(re.findall(r"\bSA-\d{4}\b", page.read_text(encoding="utf-8")))
    assert {code for code in codes if f"[messages.{code}]" not in known} == set()


def test_every_page_that_the_source_names_exists() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    named = {(name, page) for name, text in texts.items() for page in re.findall(r"\bdocs/[\w-]+\.md", text)}
    assert [(name, page) for name, page in named if not (ROOT / page).exists()] == []


def test_every_function_that_the_page_of_the_core_names_exists() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)\.(?!py`|lock`|holder`|wanted`)(\w+)`", page)
    assert named
    for module, function in named:
        tree = ast.parse((PACKAGE / "backup" / f"{module}.py").read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert function in functions, f"{module}.{function}"


def test_every_finding_of_status_that_operations_explains_is_one_that_it_makes() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \| (?:CRITICAL|WARNING)", page, re.MULTILINE)
    phrases = [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row)]
    sources = [PACKAGE / "operate/status.py", PACKAGE / "backup/holder.py"]
    made = {
        node.value.strip(" :;,")
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 8
    }
    assert len(phrases) > 10
    parts = [part.strip(" :;,") for one in phrases for part in re.split(r"\.\.\.|\bN\b", one)]
    assert [part for part in parts if not any(part in text for text in made)] == []

"""Edits that sites make in years of use: each taken for what cmd makes of it, or refused by line; none taken wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from snapall.config.batch import Batch, batch_of
from snapall.config.batch.overlay import with_arguments
from tests.config.batches import BATS, FILLED

EDITS = BATS.parent / "edits"
LIST: dict[str, dict[str, Any]] = tomllib.loads((EDITS / "edits.toml").read_text(encoding="utf-8"))
NO_MACHINE: Mapping[str, str] = {}
TAKEN = [name for name, edit in LIST.items() if "taken" in edit and "overlay" not in edit]
"""Taken as they stand, as they are scheduled; those with an overlay need the settings that their refusal asks for."""


def edited(edit: Mapping[str, Any]) -> bytes:
    """The batch with one edit."""
    if "bat" in edit:
        return (EDITS / str(edit["bat"])).read_bytes()
    text = FILLED.decode().replace("\r\n", "\n")
    for old, new in edit["swap"]:
        assert old in text
        text = text.replace(old, new)
    return text.replace("\n", "\r\n").encode()


def files_of(edit: Mapping[str, Any], name: str) -> bytes | None:
    """A file that the edited batch reads."""
    text: str | None = edit.get("files", {}).get(re.split(r"[\\/]", name)[-1].lower())
    return None if text is None else text.replace("\n", "\r\n").encode()


def flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The keys of a table with those of its tables; `vms` is a value."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{above}{key}"
        found |= flat(value, f"{path}.") if isinstance(value, Mapping) and key != "vms" else {path: value}
    return found


def read(edit: Mapping[str, Any], overlay: Mapping[str, Any], machine: Mapping[str, str] = NO_MACHINE) -> Batch:
    return batch_of(edited(edit), overlay, lambda file: files_of(edit, file), machine)


def test_of_the_edits_that_work_under_cmd_nine_of_ten_are_taken_as_they_stand() -> None:
    plausible = [name for name, edit in LIST.items() if "broken" not in edit]
    taken = [name for name in plausible if "taken" in LIST[name]]
    as_they_stand = [name for name in taken if name in TAKEN]
    assert len(as_they_stand) >= 0.9 * len(plausible)
    page = " ".join((BATS.parents[1] / "docs" / "first-backup.md").read_text(encoding="utf-8").split())
    assert f"Of {len(plausible)} edits that sites are likely to have made" in page
    assert f"takes {len(as_they_stand)} as they stand and {len(taken) - len(as_they_stand)} with such a file" in page


def test_a_batch_that_is_broken_is_not_taken() -> None:
    broken = [name for name, edit in LIST.items() if "broken" in edit]
    assert len(broken) == 5
    assert not any("taken" in LIST[name] for name in broken)


@pytest.mark.parametrize("name", [name for name, edit in LIST.items() if "taken" in edit])
def test_an_edit_is_taken_with_what_it_changes_and_nothing_else(name: str) -> None:
    edit = LIST[name]
    overlay = with_arguments(edit.get("overlay", {}), edit.get("arguments", ""))
    batch = read(edit, overlay, edit.get("machine", NO_MACHINE))
    assert batch.fault_lines() == []
    wanted = flat(batch_of(FILLED, {}).table)
    for key, value in edit["taken"].items():
        wanted = {path: old for path, old in wanted.items() if path != key and not path.startswith(f"{key}.")}
        wanted |= {key: value} if key.endswith(".vms") else {} if value == {} else flat({key: value})
    assert flat(batch.table) == wanted
    noted = edit.get("noted", [])
    assert len(batch.notices) == len(noted)
    assert all(any(words in one.text for one in batch.notices) for words in noted)


@pytest.mark.parametrize("name", [name for name, edit in LIST.items() if "refused" in edit])
def test_an_edit_that_cannot_be_taken_as_it_stands_is_refused_by_line_with_a_remedy(name: str) -> None:
    edit = LIST[name]
    batch = read(edit, {})
    assert batch.table == {}
    assert {str(one.line) for one in batch.faults} == set(edit["refused"])
    lines = batch.fault_lines()
    for number, words in edit["refused"].items():
        assert any(line.startswith(f"line {number}: ") and words in line and "; " in line for line in lines)
    if "overlay" in edit:
        assert all("overlay file" in line.partition("; ")[2] for line in lines)

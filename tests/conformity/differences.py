"""Makes docs/differences.md from the table of differences and the recordings.

`python -m tests.conformity.differences > docs/differences.md`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from tests.conformity.observed import Aspect, Value, value
from tests.conformity.recordings import SCENARIOS, recording
from tests.conformity.replay import ORDERS
from tests.conformity.table import Difference, Row, differences, expected

FILE = Path(__file__).parents[2] / "docs" / "differences.md"

# What is short enough for a table; of commands and logs it is only said that they differ.
SHOWN = (Aspect.EXIT, Aspect.CHAIN, Aspect.QUIESCED, Aspect.VM_SNAPSHOTS, Aspect.LOGIN)
WORDS = {
    Aspect.FILER: "other commands to the filer",
    Aspect.VCB: "other calls of vcbsnapshot",
    Aspect.DATABASE: "other queries to the database",
    Aspect.LOG: "other lines in the log",
}

INTRODUCTION = """\
# How snapall differs from the batch

The tests compare snapall with {count} recordings of `snapall.bat`, of good nights and bad ones
([fixtures/batch](../fixtures/batch/README.md)). snapall plays each scenario on a simulated site, in both orders and
with one VM at a time. The comparison covers the commands that reached the filer and vcbsnapshot, the queries to the
database, the retained backups and the VMs quiesced in each, the VM snapshots that were left, the exit code, and the
batch's lines in the log. This page lists every difference. It is made from the table that the comparison is checked
against (`tests/conformity/differences.toml`) by

```sh
python -m tests.conformity.differences > docs/differences.md
```

Where snapall has no equivalent, the nearest case stands in. A database that does not answer stands in for an output
file of osql that is missing, stale or full of error text; a log that cannot be written, for one that another program
keeps open.

If you are about to switch: the next two sections list what stays the same. The numbered sections are the batch's
defects, each with the scenarios that show it. The last sections are deliberate choices.

In the tables, `N` is tonight's backup, `N-1` last night's and so on. `UTC` is the stamp of a run (date, time and four
random characters), and `snapshot-(108)` the id of the snapshot of VM 108. "Night 2" appears where several nights were
recorded, and the volume where two copies of the batch ran.
"""


def document() -> str:
    """The whole page."""
    parts = [INTRODUCTION.format(count=len(SCENARIOS)), *_identical()]
    for one in differences():
        parts += _section(one)
    return "\n".join(parts).rstrip() + "\n"


def _identical() -> Iterator[str]:
    """The scenarios without a difference, and those in which only the missing user name is one."""
    stated: dict[tuple[str, str], set[Aspect]] = {(one, order): set() for one in SCENARIOS for order in ORDERS}
    for scenario, order, aspect in expected():
        stated[scenario, order].add(aspect)
    same = [one for one in SCENARIOS if not stated[one, "paper"]]
    but_login = [one for one in SCENARIOS if stated[one, "paper"] == {Aspect.LOGIN}]
    yield "## The same in every respect\n"
    yield f"In paper order, a good night as the batch's author meant it: {_names(same)}.\n"
    yield f"Except for the user name that the batch omits, and the password that it cuts: {_names(but_login)}.\n"
    yield "## The same end state\n"
    ends = {Aspect.CHAIN, Aspect.QUIESCED, Aspect.VM_SNAPSHOTS, Aspect.EXIT}
    for order in ORDERS:
        kept = [one for one in SCENARIOS if not stated[one, order] & ends]
        text = (
            "the same backups under the same names, the same VMs quiesced in each, the same VM snapshots left and the"
        )
        yield f"In {order} order, {text} same exit code: {_names(kept)}.\n"


def _section(one: Difference) -> Iterator[str]:
    yield f"## {f'{one.defect}. ' if one.defect else ''}{one.title}\n"
    for who, text in (("The batch", one.batch), ("snapall", one.snapall), ("Why", one.why)):
        yield fill(f"**{who}.** {text}", 116, break_long_words=False, break_on_hyphens=False) + "\n"
    shown = [line for row in one.rows if row.aspect in SHOWN for line in _table_rows(row)]
    if shown:
        yield "| scenario | order | | the batch | snapall |\n|---|---|---|---|---|"
        yield from shown
        yield ""
    for aspect, words in WORDS.items():
        rows = [row for row in one.rows if row.aspect is aspect]
        if rows:
            names = {order: _in_order(order, rows) for order in ORDERS}
            yield f"{words[0].upper()}{words[1:]}{_by_order(names)}.\n"


def _in_order(order: str, rows: list[Row]) -> list[str]:
    found = {scenario for row in rows if order in row.orders for scenario in row.scenarios}
    return sorted(found)


def _table_rows(row: Row) -> Iterator[str]:
    """One line for all scenarios of a row of which the batch's side is the same, too."""
    sides: dict[tuple[str, str], list[str]] = {}
    for scenario in row.scenarios:
        theirs, ours = value(recording(scenario).seen, row.aspect), row.value(scenario)
        sides.setdefault((_cell(scenario, theirs), _cell(scenario, ours)), []).append(scenario)
    for (batch, snapall), scenarios in sides.items():
        yield f"| {_names(scenarios)} | {', '.join(row.orders)} | {row.aspect} | {batch} | {snapall} |"


def _cell(scenario: str, told: Value) -> str:
    """What a table shows of each part, once where all are alike."""
    texts = ["<br>".join(_plain(line) for line in lines) or "none" for lines in told]
    if len(set(texts)) == 1:
        return texts[0]
    two = scenario.startswith("g_")
    return "<br>".join(f"*{f'vmvol{n}' if two else f'night {n}'}:* {text}" for n, text in enumerate(texts, 1))


def _plain(line: str) -> str:
    return line.replace("<UTC>", "UTC").replace("<", "(").replace(">", ")")


def _names(scenarios: list[str]) -> str:
    return ", ".join(f"`{one}`" for one in scenarios) or "none"


def _by_order(names: dict[str, list[str]]) -> str:
    if names["safe"] == names["paper"]:
        return f" in both orders: {_names(names['safe'])}"
    return ";".join(f" in {order} order: {_names(found)}" for order, found in names.items() if found)


if __name__ == "__main__":
    sys.stdout.write(document())

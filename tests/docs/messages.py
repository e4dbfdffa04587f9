"""docs/messages.md out of the source: `python -m tests.docs.messages > docs/messages.md`.

`python -m tests.docs.messages json > snapall/views/messages.json` writes what `snapall explain` prints. reader.py reads
the messages. docs/causes.toml, written by hand, has the cause of each code, and its text or remedy where the source
puts that together at run time.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from snapall.restore.luns.answers import LUN_REMEDIES, LunMeaning
from snapall.site.answers import REMEDIES, Meaning
from tests.docs.reader import SOURCE, Message, made, sources

ROOT = Path(__file__).parents[2]
PAGE, CAUSES, SHIPPED = ROOT / "docs/messages.md", ROOT / "docs/causes.toml", SOURCE / "views/messages.json"
HEAD = """\
# Messages: causes and remedies

Every message of snapall has a code, such as SA-1101, which never changes and never means anything else. Search this
page for it, or run `snapall explain SA-1101`. In `<angle brackets>` is what differs from case to case.

| kind | means |
|---|---|
| exit code N | the command, or the job of a run, ends with this exit code; with 5 instead if VMs may be left quiesced |
| failure | something was not done, and the run goes on; the exit code becomes 1, 3 or 5 |
| finding | `snapall audit` found it, and exits with 1 unless it is only a note |
| status | `snapall status` reports it, as WARNING or CRITICAL |
| warning | nothing is lost, and the exit code does not change |

Made by `python -m tests.docs.messages` from the source and `docs/causes.toml`.
"""
SECTIONS = {
    "1": "The backup",
    "2": "The VirtualCenter database",
    "3": "vcbsnapshot",
    "4": "The filer",
    "5": "Guardian, hooks, past runs, `snapall doctor` and `snapall audit`",
    "6": "Files that snapall writes",
    "7": "Usage and configuration",
    "9": "A bug in snapall",
}


@cache
def explained() -> list[Message]:
    """Every message once, with what the hand-written file adds, in the order of the codes."""
    notes: Mapping[str, Mapping[str, str]] = tomllib.loads(CAUSES.read_text(encoding="utf-8"))["messages"]
    found: dict[str, Message] = {}
    for _, tree in sources():
        for one in made(tree):
            found.setdefault(one.code, one)
    return [_with_notes(found[code], notes.get(code, {})) for code in sorted(found)]


def _with_notes(one: Message, notes: Mapping[str, str]) -> Message:
    flat = {key: " ".join(text.split()) for key, text in notes.items()}
    text, remedy, kind = flat.get("text", one.text), flat.get("remedy", one.remedy), flat.get("kind", one.kind)
    return replace(one, text=" ".join(text.split()), remedy=remedy, kind=kind, cause=flat.get("cause", ""))


def page() -> str:
    """The whole page."""
    parts, messages = [HEAD], explained()
    for digit, title in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += [_block(one) for one in messages if one.code[3] == digit]
    head = "| meaning | remedy |\n|---|---|"
    refusals = [f"| {one.value} | {REMEDIES[one]} |" for one in Meaning if REMEDIES[one]]
    luns = [f"| {one.value} | {LUN_REMEDIES[one]} |" for one in LunMeaning if LUN_REMEDIES[one]]
    parts += ["## What a filer's refusal means\n", head, *refusals, ""]
    return "\n".join([*parts, "## What a filer's answer to a LUN command means\n", head, *luns]) + "\n"


def _block(one: Message) -> str:
    cause, remedy = _markdown(one.cause), _markdown(_sentence(one.remedy))
    return f"### {one.code}\n\n`` {one.text} ``\n\n*{one.kind}.* {cause}\n\n**Remedy:** {remedy}\n"


def _markdown(text: str) -> str:
    """The text with its angle brackets escaped, but not those in code."""
    parts = text.split("`")
    parts[::2] = [part.replace("<", r"\<") for part in parts[::2]]
    return "`".join(parts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def shipped() -> str:
    """What `snapall explain` prints, as JSON."""
    rows = [
        {"code": o.code, "kind": o.kind, "text": o.text, "cause": o.cause, "remedy": _sentence(o.remedy)}
        for o in explained()
    ]
    return json.dumps(rows, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(shipped() if sys.argv[1:] == ["json"] else page())

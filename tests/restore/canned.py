"""A filer with a canned answer for each command, for the dialect's tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from snapall.errors import SiteError
from snapall.site.filer import FilerReply

FIXTURES = Path(__file__).parents[2] / "fixtures" / "filer"


def sample(name: str) -> str:
    """A recorded answer."""
    return (FIXTURES / f"{name}.txt").read_text(encoding="utf-8")


@dataclass
class CannedFiler:
    """A connection that answers from a table, or raises what stands there; silence for any other command."""

    answers: dict[str, str | FilerReply | SiteError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def preconnect(self) -> None:
        """There is nothing to open."""

    def run(self, command: str) -> FilerReply:
        """Answer one command."""
        self.asked.append(command)
        answer = self.answers.get(command, "")
        if isinstance(answer, SiteError):
            raise answer
        return FilerReply(answer, "") if isinstance(answer, str) else answer

    def command_line(self, command: str) -> str:
        """As rsh gives it."""
        return f"rsh filer1 {command}"

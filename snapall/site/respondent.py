"""Who answers for a filer, and what it prints around its answers: a partner in a takeover, a login banner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from snapall.errors import SiteError
from snapall.site.answertext import taken_over, without
from snapall.site.excerpt import one_line

if TYPE_CHECKING:
    from snapall.site.filer import FilerReply


class Respondent:
    """What the answers of one filer have shown so far."""

    def __init__(self, name: str, host: str) -> None:
        self._name = name
        self._own_names = {name.lower(), host.lower().partition(".")[0]}
        self._took_over = False
        self.banner: tuple[str, ...] = ()  # the lines that stand before each answer

    @property
    def notes(self) -> tuple[tuple[str, str, str], ...]:
        """What deserves a warning: text, remedy, code of each."""
        found = []
        if self.banner:
            text = f"{self._name} prints a login banner before its answers, which snapall leaves out: "
            remedy = "if an answer is ever misread, take the text out of /etc/motd and /etc/issue on the filer"
            found.append((text + one_line(*self.banner), remedy, "SA-4161"))
        if self._took_over:
            text = f"{self._name} is in takeover: it also does the work of its partner"
            found.append((text, "check `cf status` on it; run `cf giveback` when its partner is well", "SA-4162"))
        return tuple(found)

    def checked(self, command: str, reply: FilerReply) -> FilerReply:
        """The plain answer to a command that looks. SiteError: another filer gave it."""
        partner = taken_over(reply.stdout, reply.stderr)
        if partner is not None and partner.lower() not in self._own_names:
            raise SiteError(
                f"{partner} answers in place of {self._name}, which it has taken over: `{command}` would mean its own "
                "volumes",
                f"wait for the giveback: see `cf status` on {partner}. If {partner} is the filer's own name, name its "
                "table [filers.NAME] so",
                "SA-4163",
            )
        self._took_over = self._took_over or partner is not None
        return self.plain(command, reply)

    def plain(self, command: str, reply: FilerReply) -> FilerReply:
        """The answer without what stands around it."""
        stdout, stderr = (without(text, command, self.banner) for text in (reply.stdout, reply.stderr))
        return replace(reply, stdout=stdout, stderr=stderr)

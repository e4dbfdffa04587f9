"""The 7-Mode dialect: the commands that snapall gives a filer, and what its answers mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from snapall.backup.model import FILER_NAME, FilerSnapshot
from snapall.backup.plan import AskVersion, ListVolume
from snapall.backup.steps import Capture, Delete, Done, Outcome, Refusal, Rename, Unknown
from snapall.errors import Refused, SiteError, SnapallError
from snapall.site.answers import (
    REMEDIES,
    Meaning,
    Share,
    Verb,
    classify,
    complaint,
    parse_listing,
    parse_shares,
)
from snapall.site.excerpt import one_line, whole
from snapall.site.masking import UNMASKED, Mask
from snapall.site.respondent import Respondent
from snapall.site.version import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FilerStep = Capture | Rename | Delete
T = TypeVar("T")


class Hop(StrEnum):
    """The hops on the way to a filer, in order."""

    REACH = "reachable"
    ALGORITHMS = "algorithms"
    HOST_KEY = "host key"
    LOGIN = "login"


class NotReached(SiteError):
    """The way to the filer ended at one of its hops."""

    def __init__(self, message: str, hint: str = "", hop: Hop = Hop.REACH, code: str = "") -> None:
        super().__init__(message, hint, code)
        self.hop = hop  # where the way ended


class NotSent(NotReached):
    """It ended before the command was given: nothing was sent."""


class NotLetIn(NotReached):
    """The filer rejected the login that the command came with (rsh). That nothing was done is only its own word."""


class NoAnswer(SiteError):
    """The command was sent, and no whole answer came back: whether it was executed is unknown."""

    def __init__(self, message: str, hint: str = "", output: str = "", code: str = "") -> None:
        """`output`: what came before the answer broke off."""
        super().__init__(message, hint, code)
        self.output = output


class NoVolume(SiteError):
    """The filer knows no volume of this name."""


def no_volume(filer: str, volume: str) -> NoVolume:
    """The error that names the volume and the filer."""
    return NoVolume(f"{filer} has no volume {volume}", REMEDIES[Meaning.NO_VOLUME], "SA-4004")


def denied(filer: str, command: str, answer: str) -> SiteError:
    """The error that names the command which the login's role does not allow."""
    return SiteError(
        f"{filer} does not allow this login to run `{command}`: {answer}", REMEDIES[Meaning.DENIED], "SA-4160"
    )


@dataclass(frozen=True, slots=True)
class FilerReply:
    """What the filer answered. There is no exit status worth the name: only the text tells.

    The streams are as they came, so that they are understood; what is kept or shown of them goes through `mask`.
    """

    stdout: str
    stderr: str
    mask: Mask = field(default=UNMASKED, compare=False, repr=False)

    def read(self, parse: Callable[[str], T]) -> T:
        """Understand stdout. Raises what `parse` raises, its message masked, since that quotes the answer."""
        try:
            return parse(self.stdout)
        except SnapallError as error:
            self.mask.blot(error)
            raise

    @property
    def shown(self) -> str:
        """The answer on one line, for a message."""
        return one_line(self.mask(self.stderr), self.mask(self.stdout)) or "nothing"


class Transport(Protocol):
    """A way to a filer, ssh or rsh: one command, one connection."""

    def run(self, command: str) -> FilerReply:
        """Give the filer one command. Raises NotSent, NotLetIn or NoAnswer."""

    def preconnect(self) -> None:
        """Do ahead of the next command what can be done; no command is given, and nothing is raised."""

    def command_line(self, command: str) -> str:
        """How a person would give the same command."""


def sendable(command: str) -> bytes:
    """The command as it goes over the wire. Raises NotSent unless it is one line of plain ASCII."""
    if not command.isascii() or any(char in command for char in "\0\r\n"):
        raise NotSent(
            f"{command!r} is not one line of plain ASCII, so it was not sent to the filer",
            hint="use names of letters, digits, `_`, `.` and `-` that begin with a letter or a digit",
            code="SA-4005",
        )
    return command.encode("ascii")


class FilerSystem:
    """One filer: its snapshots made, renamed, deleted and listed."""

    def __init__(self, transport: Transport, name: str, host: str = "") -> None:
        self._transport = transport
        self._name = name
        self._respondent = Respondent(name, host)

    @property
    def notes(self) -> tuple[tuple[str, str, str], ...]:
        """What its answers have shown that deserves a warning: text, remedy, code of each."""
        return self._respondent.notes

    def preconnect(self) -> None:
        """Open the way for the next command, so that it need not wait for that."""
        self._transport.preconnect()

    def command(self, step: FilerStep | ListVolume | AskVersion) -> str:
        """The filer's own command (the paper; Data ONTAP 7-Mode, na_snap(1)). Raises Refused for an unfit name."""
        match step:
            case Capture(volume, name):
                return self._snap("create", volume, name)
            case Rename(volume, old, new):
                return self._snap("rename", volume, old, new)
            case Delete(volume, name):
                return self._snap("delete", volume, name)
            case ListVolume(volume):
                return self._snap("list -n", volume)  # without the space columns, which take the filer long to compute
            case AskVersion():
                return "version"

    def command_line(self, step: FilerStep | ListVolume | AskVersion) -> str:
        """The command as a person would give it from here, `rsh filer1 snap create vmvol1 vmware_recent`."""
        return self._transport.command_line(self.command(step))

    def perform(self, step: FilerStep) -> Outcome:
        """Do it and say how it went. Whatever the filer answers is provisional: `snap list` shows what happened.

        Its text decides what the operator is told. A refusal is only what was never sent.
        """
        command = self.command(step)
        try:
            reply = self._transport.run(command)
        except NotSent as error:
            return Refusal(_with_hint(error))
        except NotLetIn as error:
            return Unknown(_with_hint(error), error.message, failed=True)
        except NoAnswer as error:
            return Unknown(_with_hint(error), error.output)
        return self._judge(_VERBS[type(step)], command, reply)

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """The volume's snapshots, newest first. Raises SiteError, for any line that is not understood too."""
        reply = self._listed(self.command(ListVolume(volume)), volume)
        return self._understood(reply, lambda text: parse_listing(text, volume))

    def listing_with_shares(self, volume: str) -> tuple[tuple[FilerSnapshot, ...], Mapping[str, Share]]:
        """The same with the space of each snapshot by name; a filer that takes too long over it is asked without."""
        try:
            reply = self._listed(self._snap("list", volume), volume)
        except NoAnswer:
            return self.listing(volume), {}
        return self._understood(reply, lambda text: (parse_listing(text, volume), parse_shares(text, volume)))

    def _understood(self, reply: FilerReply, parse: Callable[[str], T]) -> T:
        """What an answer means. An error names the filer: `parse` does not know whose answer it reads."""
        try:
            return reply.read(parse)
        except SnapallError as error:
            error.message = f"{self._name}: {error.message}"
            error.args = (error.message,)
            raise

    def _asked(self, command: str) -> FilerReply:
        return self._respondent.checked(command, self._transport.run(command))

    def _listed(self, command: str, volume: str) -> FilerReply:
        reply = self._asked(command)
        meaning = classify("list", reply.stdout, reply.stderr)
        match meaning:
            case Meaning.OK if reply.stdout.strip() and not reply.stdout.endswith("\n"):
                # Over rsh nothing else tells that the connection broke; what is missing would count as gone.
                raise NoAnswer(
                    f"{self._name} did not list all snapshots of {volume}: its answer ends in the middle of a line",
                    hint="run `snap list` on the filer by hand and check that its answer is complete",
                    output=reply.mask.broken_off(reply.stdout),
                    code="SA-4010",
                )
            case Meaning.OK:
                return reply
            case Meaning.NO_VOLUME:
                raise no_volume(self._name, volume)
            case Meaning.DENIED:
                raise denied(self._name, "snap list", reply.shown)
            case _:
                raise SiteError(
                    f"{self._name} did not list the snapshots of {volume}: {reply.shown}",
                    hint=REMEDIES[meaning],
                    code="SA-4011",
                )

    def version(self) -> str:
        """The filer's `version` line, for `require_7mode`. Raises SiteError when there is none."""
        reply = self._asked("version")
        found = version_of(reply.stdout)
        if found is not None:
            self._respondent.banner = found.banner
            return found.line
        lines = [line.strip() for line in reply.stdout.split("\n") if line.strip()]
        if complaint(reply.stdout, reply.stderr) is Meaning.DENIED:
            raise denied(self._name, "version", reply.shown)
        if len(lines) != 1:
            raise SiteError(
                f"{self._name} did not report its version; it answered: {reply.shown}",
                hint="run `version` on the filer by hand; the login's role may not allow it",
                code="SA-4008",
            )
        return reply.mask(lines[0])

    def _snap(self, verb: str, *names: str) -> str:
        _check(names)
        return " ".join(("snap", verb, *names))

    def _judge(self, verb: Verb, command: str, reply: FilerReply) -> Outcome:
        output = reply.mask(whole(reply.stdout, reply.stderr))
        why = f"{self._name}: {one_line(output)}"
        plain = self._respondent.plain(command, reply)
        meaning = classify(verb, plain.stdout, plain.stderr)
        match meaning:
            case Meaning.OK:
                return Done(output)
            case Meaning.ABSENT if verb == "delete":
                return Done(output, already=True)
            case Meaning.UNKNOWN_ERROR:
                return Unknown(f"{why} ({REMEDIES[meaning]})", output)
            case _:
                return Unknown(f"{why} ({REMEDIES[meaning]})", output, failed=True)


_VERBS: Mapping[type[FilerStep], Verb] = {Capture: "create", Rename: "rename", Delete: "delete"}


def _check(names: Sequence[str]) -> None:
    """The last gate before a name becomes part of a command line."""
    for name in names:
        if FILER_NAME.fullmatch(name) is None:
            raise Refused(
                f"{name!r} cannot be part of a filer's command",
                hint="use names of letters, digits, `_`, `.` and `-` that begin with a letter or a digit",
                code="SA-4009",
            )


def _with_hint(error: SiteError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message

"""The 7-Mode dialect of LUNs: the commands of a restore, and the look at a volume that judges them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from snapall.backup.model import FilerSnapshot
from snapall.backup.steps import Done, Outcome, Refusal, Unknown
from snapall.errors import SiteError
from snapall.escaping import quoted_word
from snapall.restore.luns import clones as clonetexts
from snapall.restore.luns import texts as luntexts
from snapall.restore.luns.answers import LUN_REMEDIES, LunMeaning, already, judge, meaning_of
from snapall.restore.luns.commands import command_of, fit_name
from snapall.restore.model import Igroup, LunMap, LunView
from snapall.site.excerpt import one_line, whole
from snapall.site.filer import FilerSystem, NoAnswer, NotLetIn, NotSent
from snapall.site.respondent import Respondent
from snapall.site.version import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from snapall.restore.luns.clones import SnapUsage
    from snapall.restore.model import Lun
    from snapall.restore.steps import LunStep
    from snapall.site.filer import FilerReply, Transport

T = TypeVar("T")

_LOOK = "run `lun show -v`, `lun show -m` and `snap list` on the filer to see what happened"
_NOT_ONLINE = re.compile(r"\bis (?:\w+ )?(?:offline|restricted|not online)\b", re.IGNORECASE)


class NoLuns(SiteError):
    """The filer shows no LUN."""


class Luns:
    """The LUNs of one filer, changed and looked at."""

    def __init__(self, transport: Transport, name: str, host: str = "") -> None:
        """`host`: its address, by which it is known when it answers in a takeover."""
        self._transport = transport
        self._name = name
        self._snapshots = FilerSystem(transport, name, host)
        self._respondent = Respondent(name, host)
        self._introduced = False

    def command(self, step: LunStep) -> str:
        """The filer's own command. Raises Refused for an unfit name."""
        return command_of(step)

    def command_line(self, step: LunStep) -> str:
        """The command as a person would give it from here; quoted, where this machine's shell would read it again."""
        command = self.command(step)
        return self._transport.command_line(quoted_word(command) if "'" in command else command)

    def perform(self, step: LunStep) -> Outcome:
        """Do it and say how it went; whatever the filer answers is provisional, and `view` shows what happened.

        A refusal is only what was never sent.
        """
        command = self.command(step)
        try:
            reply = self._transport.run(command)
        except NotSent as error:
            return Refusal(_with_hint(error))
        except NotLetIn as error:
            return Unknown(_with_hint(error), error.message, failed=True)
        except NoAnswer as error:
            return Unknown(f"{error.message} ({_LOOK})", error.output)
        output = reply.mask(whole(reply.stdout, reply.stderr))
        plain = self._respondent.plain(command, reply)
        meaning = judge(step, plain.stdout, plain.stderr)
        if meaning is not LunMeaning.DONE and self._learns_a_banner():
            plain = self._respondent.plain(command, reply)
            meaning = judge(step, plain.stdout, plain.stderr)
        if meaning is LunMeaning.DONE:
            return Done(output)
        if already(step, meaning):
            return Done(output, already=True)
        why = f"{self._name}: {one_line(output)} ({LUN_REMEDIES[meaning]})"
        # An answer that is complete is the command's end, whatever it says: nothing is left to wait for.
        complete = f"{reply.stdout}{reply.stderr}".endswith("\n")
        return Unknown(why, output, failed=meaning is not LunMeaning.OTHER or complete)

    def view(self, volume: str) -> LunView:
        """Look at a volume: the truth by which steps are judged. SiteError: some answer is missing or contradicts."""
        luns, said = self._asked("lun show -v", luntexts.parse_luns)
        if not luns:
            raise NoLuns(
                f"{self._name} lists no LUN at all, and an answer that was lost looks the same",
                "run `lun show` by hand on the filer; if it has LUNs, check the connection and try again",
                "SA-4301",
            )
        maps = self._asked("lun show -m", luntexts.parse_maps)
        self._agree(luns, said, maps)
        here = {one.path: one for one in luns if one.volume == volume}
        mapped = tuple(one for one in maps if one.path in here)
        snapshots = self._listing(volume)
        if snapshots is None:
            return LunView(volume, here, mapped, online=False)
        options = self._asked(f"vol options {fit_name(volume)}", clonetexts.parse_options)
        dependency = options.get("snapshot_clone_dependency")
        splitting = self._splitting(here, snapshots)
        return LunView(volume, here, mapped, snapshots, splitting, None if dependency is None else dependency == "on")

    def igroups(self) -> tuple[Igroup, ...]:
        """The filer's initiator groups, by `igroup show`."""
        return self._asked("igroup show", luntexts.parse_igroups)

    def usage(self, volume: str, snapshot: str) -> tuple[SnapUsage, ...]:
        """Which LUNs rest on a snapshot, by `lun snap usage`; empty: nothing holds it."""
        return self._asked(f"lun snap usage {fit_name(volume)} {fit_name(snapshot)}", clonetexts.parse_usage)

    def _agree(self, luns: tuple[Lun, ...], said: frozenset[tuple[str, str, int]], maps: tuple[LunMap, ...]) -> None:
        """Both lists tell of the same maps, or one was cut off, or something changed between them: SiteError."""
        rows = {(one.path, one.igroup, one.id) for one in maps}
        listed = {one.path for one in luns}
        mapped = {one.path for one in maps}
        apart = {path for path, *_ in said - rows} | {one.path for one in luns if one.mapped} - mapped | mapped - listed
        if apart:
            raise SiteError(
                f"{self._name}: `lun show -v` and `lun show -m` differ about {', '.join(sorted(apart))}",
                "someone changes LUNs at this moment, or an answer was cut off: try again",
                "SA-4302",
            )

    def _listing(self, volume: str) -> tuple[FilerSnapshot, ...] | None:
        """The volume's snapshots; None: it is offline or restricted, as during a restore of the volume."""
        try:
            return self._snapshots.listing(volume)
        except NoAnswer:
            raise
        except SiteError as error:
            if _NOT_ONLINE.search(error.message) is not None:
                return None
            raise

    def _splitting(self, luns: Mapping[str, Lun], snapshots: tuple[FilerSnapshot, ...]) -> frozenset[str]:
        """The LUNs of the volume that the filer still copies: splits, and single-file restores by the snapshot's tag.

        A LUN that a restore copies rests on its own path in that snapshot.
        """
        restoring = {one.name for one in snapshots if "snap restore" in one.tags}
        clones = {path: one for path, one in luns.items() if one.backed_by}
        if not clones and not restoring:
            return frozenset()
        splits = self._asked("lun clone split status", clonetexts.parse_splits)
        restored = {path for path, one in clones.items() if one.snapshot in restoring and _rests_on_itself(one)}
        return frozenset(splits & luns.keys()) | restored

    def _asked(self, command: str, parse: Callable[[str], T]) -> T:
        """What the filer says to a command that looks, on either stream. SiteError unless all of it is understood."""
        answered = self._transport.run(command)
        reply = self._respondent.checked(command, answered)
        if reply.stdout.strip() and not answered.stdout.endswith("\n"):
            raise NoAnswer(
                f"{self._name}: the answer to `{command}` ends in the middle of a line",
                "run it by hand on the filer and check that its answer is complete",
                reply.mask.broken_off(reply.stdout),
                "SA-4303",
            )
        try:
            return _joined(reply).read(parse)
        except SiteError as error:
            if self._learns_a_banner():
                return _joined(self._respondent.plain(command, answered)).read(parse)
            raise self._fault(command, reply, error) from error

    def _learns_a_banner(self) -> bool:
        """Whether the filer's `version` shows a login banner: asked once, when an answer is not understood."""
        if self._introduced:
            return False
        self._introduced = True
        with suppress(SiteError):
            found = version_of(self._transport.run("version").stdout)
            self._respondent.banner = found.banner if found is not None else ()
        return bool(self._respondent.banner)

    def _fault(self, command: str, reply: FilerReply, otherwise: SiteError | None = None) -> SiteError:
        """The error that names what the filer complains of instead of an answer."""
        meaning = meaning_of([*luntexts.spoken_lines(_joined(reply).stdout)], command.split()[2:])
        text = f"{self._name} did not answer `{command}`: {reply.shown}"
        if meaning is LunMeaning.NO_RIGHT:
            return SiteError(text, LUN_REMEDIES[meaning], "SA-4304")
        if meaning is LunMeaning.OTHER and otherwise is not None:
            return otherwise
        return SiteError(text, LUN_REMEDIES[meaning], "SA-4305")


def _joined(reply: FilerReply) -> FilerReply:
    """Both streams as one: a filer may use either for anything, and over rsh there is only one."""
    return replace(reply, stdout=f"{reply.stdout}\n{reply.stderr}") if reply.stderr.strip() else reply


def _rests_on_itself(lun: Lun) -> bool:
    return lun.backed_by.split("/")[5:] == lun.path.split("/")[3:]


def _with_hint(error: SiteError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message

"""The dialect of SnapMirror and SnapVault, spoken to the destination's filer: updates, retained copies, status."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, assert_never

from snapall.backup.model import FILER_NAME, PLACE, volume_at
from snapall.backup.steps import Done, Outcome, Refusal, Unknown
from snapall.errors import Refused, SiteError
from snapall.restore.mirror.relations import (
    CopiesView,
    KeepCopy,
    Kind,
    MirrorStep,
    Relation,
    RelationEnd,
    RelationView,
    Update,
    View,
    ends_of,
    path_at,
)
from snapall.restore.mirror.texts import (
    Ill,
    ill_of,
    parse_destinations,
    parse_long,
    parse_relations,
    parse_table,
    view_of,
)
from snapall.site.excerpt import one_line, whole
from snapall.site.filer import FilerSystem, NoAnswer, NotLetIn, NotSent
from snapall.site.respondent import Respondent

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapall.backup.model import FilerSnapshot
    from snapall.site.filer import FilerReply, Transport

T = TypeVar("T")


class Mirrors:
    """The destination side of relations, on one filer."""

    def __init__(self, transport: Transport, name: str, host: str = "") -> None:
        self._transport = transport
        self._name = name
        self._respondent = Respondent(name, host)
        self._snapshots = FilerSystem(transport, name, host)

    def command(self, step: MirrorStep) -> str:
        """The filer's own command (na_snapmirror(1), na_snapvault(1)). Raises Refused for an unfit name."""
        match step:
            case Update(Relation(Kind.MIRROR, _, destination, source)):
                return _line("snapmirror update -S", source, destination)
            case Update(Relation(destination=destination)):
                return _line("snapvault update", destination)
            case KeepCopy(_, volume, name):
                return _line("snapvault snap create", volume, name)
        assert_never(step)

    def command_line(self, step: MirrorStep) -> str:
        """The command as a person would give it from here."""
        return self._transport.command_line(self.command(step))

    def perform(self, step: MirrorStep) -> Outcome:
        """Send it. An answer is only acceptance: `look` shows what became of it. Refusal: nothing was sent."""
        command = self.command(step)
        try:
            reply = self._transport.run(command)
        except NotSent as error:
            return Refusal(_with_hint(error))
        except NotLetIn as error:
            return Unknown(_with_hint(error), error.message, failed=True)
        except NoAnswer as error:
            return Unknown(_with_hint(error), error.output)
        plain = self._respondent.plain(command, reply)
        output = reply.mask(whole(plain.stdout, plain.stderr))
        if ill_of(f"{plain.stdout}\n{plain.stderr}") is not None:
            return Unknown(one_line(output), output, failed=True)
        return Done(output)

    def look(self, step: MirrorStep) -> View:
        """What the filer shows of the step's relation or copies. Raises SiteError."""
        match step:
            case Update(relation):
                return self.status(relation)
            case KeepCopy(_, volume, name):
                rows = (one for one in self.copies(volume) if one.name.rpartition(".")[0] == name)
                return CopiesView(tuple(f"{one.name} {one.date}" for one in rows))
        assert_never(step)

    def copies(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """The snapshots of a destination volume, newest first: what can be restored from there. Raises SiteError."""
        return self._snapshots.listing(volume)

    def status(self, relation: Relation) -> RelationView:
        """What `status -l` shows of the relation. SiteError: the filer does not know it, or does not say."""
        command = _line(f"{relation.kind} status -l", path_at(relation.destination))
        reply = self._respondent.checked(command, self._transport.run(command))
        text = f"{reply.stdout}\n{reply.stderr}"
        views = parse_long(text) or parse_table(text)
        view = view_of(views, relation.destination, relation.source)
        ill = ill_of(text) if view is None else None
        if view is None or ill is not None:
            raise self._no_status(relation, command, ill, reply)
        return view

    def require_right(self, relation: Relation) -> None:
        """Raise SiteError unless the login may update: the command without a destination only prints its usage."""
        command = f"{relation.kind} update"
        reply = self._respondent.checked(command, self._transport.run(command))
        if ill_of(f"{reply.stdout}\n{reply.stderr}") is Ill.DENIED:
            raise self._no_status(relation, command, Ill.DENIED, reply)

    def ends(self) -> tuple[RelationEnd, ...]:
        """Every relation that this filer is an end of. SiteError: some answer is missing or not understood.

        Where SnapMirror or SnapVault is off or has no licence, there is none of its kind. A source also lists the
        destinations that it has not heard of for long.
        """
        found: list[RelationEnd] = []
        for kind in Kind:
            found += ends_of(kind, self._told(f"{kind} status -l", parse_relations))
        known = {(one.volume, path_at(one.other)): n for n, one in enumerate(found) if not one.receives}
        for path, snapshot, other in self._told("snapmirror destinations -s", parse_destinations):
            n = known.get((volume_at(path), path_at(other)))
            if n is None:
                whole = not path.startswith("/")
                found.append(RelationEnd(Kind.MIRROR, volume_at(path), other, whole=whole, base=snapshot))
            elif not found[n].base:
                found[n] = replace(found[n], base=snapshot)
        return tuple(found)

    def _told(self, command: str, parse: Callable[[str], T | None]) -> T:
        reply = self._respondent.checked(command, self._transport.run(command))
        found = parse(f"{reply.stdout}\n{reply.stderr}")
        if found is None:
            raise SiteError(
                f"{self._name} did not answer `{command}` in known words: {reply.shown}",
                "run it by hand on the filer; the login's role needs cli-snapmirror* and cli-snapvault*",
                "SA-1805",
            )
        return found

    def _no_status(self, relation: Relation, command: str, ill: Ill | None, reply: FilerReply) -> SiteError:
        filer, program, place = self._name, relation.kind, relation.destination
        match ill:
            case Ill.LICENCE:
                return SiteError(
                    f"{filer} has no licence for {program}: {reply.shown}",
                    "add the licence with `license add` on both filers, or take the relation out of `replicate`",
                    "SA-1901",
                )
            case Ill.OFF:
                remedy = f"turn it on: `options {program}.enable on` on {filer}"
                return SiteError(f"{program} is off on {filer}", remedy, "SA-1902")
            case Ill.DENIED:
                return SiteError(
                    f"{filer} does not allow this login to run `{command}`: {reply.shown}",
                    "give the login's role on that filer all that it needs: `useradmin role modify ROLE -a "
                    "login-ssh,login-rsh,cli-snap*,cli-version*`",
                    "SA-1900",
                )
            case _:
                return SiteError(
                    f"{filer} knows no {program} relation of {place}: {reply.shown}",
                    "compare `replicate` with `snapmirror status` or `snapvault status` on that filer",
                    "SA-1903",
                )


def _line(words: str, *names: str) -> str:
    """The last gate before a name becomes part of a command line."""
    for name in names:
        if PLACE.fullmatch(name) is None and FILER_NAME.fullmatch(name) is None:
            raise Refused(
                f"{name!r} cannot be part of a filer's command",
                "write FILER:VOLUME or FILER:/vol/VOLUME/QTREE, of letters, digits and _ . -",
                "SA-1922",
            )
    return " ".join((words, *names))


def _with_hint(error: SiteError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message

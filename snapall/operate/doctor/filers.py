"""A filer's links: the way to it, its version, and each volume with what could stand in a backup's way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snapall.config.settings import Config, Filer
from snapall.errors import Refused, SiteError
from snapall.operate.doctor.links import Look, Seen, Walk
from snapall.site import transport_to
from snapall.site.filer import FilerReply, FilerSystem, Hop, NoAnswer, NotReached, NoVolume, Transport, require_7mode
from snapall.site.volumes import Volumes

MOST = 254  # snapshots at most present before one more is made: a volume holds 255
_CLOSE = 240
_LITTLE = 5  # percent of a volume


def look_at_filer(walk: Walk, settings: Config, filer: Filer) -> None:
    """The way to it, hop by hop, then what it is."""
    transport = transport_to(filer)
    asked = _Asked(transport, filer.name)
    system = FilerSystem(asked, filer.name)
    told: list[str] = []

    def way() -> NotReached | None:
        try:
            told.append(_greeted(transport, system))
        except NotReached as error:
            return error
        return None

    ended = way()
    before = ""
    for hop in Hop if filer.transport == "ssh" else (Hop.REACH, Hop.LOGIN):
        walk.look(f"filer {hop}", filer.name, lambda hop=hop: _hop(hop, ended, told), *([before] if before else []))  # type: ignore[misc]
        before = f"filer {hop} of {filer.name}"
    versions: list[str] = []

    def version() -> Seen:
        versions.append(system.version())
        require_7mode(versions[0])
        return Seen(versions[0])

    walk.look("version", filer.name, version, before)
    volumes = dict.fromkeys(one for job in settings.jobs.values() if job.filer == filer.name for one in job.volumes)
    for volume in volumes:
        _look_at_volume(walk, volume, system, Volumes(asked, filer.name), versions, f"version of {filer.name}")


class _Asked:
    """A filer that has left one question without an answer is asked no more: each would take its whole time-out."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._name = name
        self._silence: tuple[str, NoAnswer] | None = None  # the command that was not answered, and what is told of it

    def run(self, command: str) -> FilerReply:
        remedy = "see that the filer is well, then run `snapall doctor` again"
        match self._silence:
            case None:
                try:
                    return self._transport.run(command)
                except NoAnswer as error:
                    self._silence = command, NoAnswer(error.message, remedy)
                    raise self._silence[1] from error
            case unanswered, error if unanswered == command:
                raise error
            case unanswered, _:
                raise NoAnswer(f"{self._name} was not asked, for it has not answered `{unanswered}`", remedy)

    def preconnect(self) -> None:
        self._transport.preconnect()

    def command_line(self, command: str) -> str:
        return self._transport.command_line(command)


def _greeted(transport: Transport, system: FilerSystem) -> str:
    """What the filer shows of itself when it lets us in; by rsh there is nothing but that it does."""
    from snapall.site.ssh import Ssh  # noqa: PLC0415 - paramiko

    if isinstance(transport, Ssh):
        return transport.greet().told
    try:
        system.version()
    except NotReached:
        raise
    except SiteError:
        pass  # it let us in; what it answers is judged later
    return ""


def _hop(hop: Hop, ended: NotReached | None, told: list[str]) -> Seen:
    order = list(Hop)
    if ended is not None and order.index(ended.hop) <= order.index(hop):
        raise ended
    match hop:
        case Hop.REACH:
            return Seen("it answers")
        case Hop.ALGORITHMS:
            return Seen("agreed")
        case Hop.HOST_KEY:
            return Seen(f"known: {told[0]}" if told else "known")
        case Hop.LOGIN:
            return Seen("let in")


def _look_at_volume(
    walk: Walk, volume: str, system: FilerSystem, volumes: Volumes, versions: list[str], needs: str
) -> None:
    there = f"volume of {volume}"
    walk.look("volume", volume, lambda: _state(volumes, volume), needs)
    walk.look("snap list", volume, lambda: _count(system, volume), there)
    walk.look("space", volume, lambda: _allowed("df", lambda: _space(volumes, volume)), there)
    walk.look("snap sched", volume, lambda: _allowed("snap sched", lambda: _schedule(volumes, volume)), there)
    walk.look(
        "snap autodelete",
        volume,
        lambda: _allowed("snap autodelete", lambda: _autodelete(volumes, volume, versions[0])),
        there,
    )


def _allowed(command: str, look: Look) -> Iterable[Seen]:
    """What only informs may be beyond the login's role: that is no reason against a backup."""
    try:
        seen = look()
        return [seen] if isinstance(seen, Seen) else list(seen)
    except SiteError as error:
        return [_not_known(error, f"let the login's role allow `{command}`, or look by hand")]


def _not_known(error: SiteError, remedy: str) -> Seen:
    """What a filer said is its role's matter; what it did not say at all is the filer's own."""
    return Seen(f"not known: {error.message}", error.hint if isinstance(error, NoAnswer) else remedy)


def _state(volumes: Volumes, volume: str) -> Seen:
    try:
        state = volumes.state(volume)
    except NoVolume:
        raise
    except SiteError as error:
        return _not_known(error, "let the login's role allow `vol status`; `snap list` is tried next")
    if state.state != "online":
        raise Refused(f"volume {volume} is {state.state}", f"vol online {volume}, on the filer")
    if state.read_only:
        raise Refused(f"volume {volume} is read-only", "a mirror's destination takes no snapshots: name the source")
    return Seen("online")


def _count(system: FilerSystem, volume: str) -> Iterator[Seen]:
    rows = system.listing(volume)
    held = [row.name for row in rows if row.tags]
    if len(rows) > MOST:
        raise Refused(f"{len(rows)} snapshots are there, and a volume holds 255", f"snap delete {volume} some of them")
    if len(rows) > _CLOSE:
        yield Seen(f"{len(rows)} snapshots of 255 at most", "delete some that nobody needs")
    else:
        yield Seen(f"understood; {len(rows)} snapshots of 255 at most")
    if held:
        yield Seen(f"held by the filer: {', '.join(held)}", "the chain cannot move past these: see what holds them")


def _space(volumes: Volumes, volume: str) -> Iterator[Seen]:
    space = volumes.space(volume)
    whole = space.total + space.reserve
    free = 100 * space.free // max(1, space.total)
    text = f"{free} % of the files' space is free; reserve {100 * space.reserve // max(1, whole)} %"
    if free < _LITTLE:
        yield Seen(text, "make room: a full volume stops the VMs, and takes no snapshot")
    elif space.snapshots > space.reserve:
        more = (space.snapshots - space.reserve) // (1 << 20)
        yield Seen(f"{text}; snapshots take {more} MiB beyond it", f"snap reserve {volume} PERCENT, or keep fewer")
    else:
        yield Seen(text)


def _schedule(volumes: Volumes, volume: str) -> Seen:
    kept = volumes.scheduled(volume)
    if not kept:
        return Seen("no schedule of the filer's own")
    return Seen(
        f"the filer's own schedule keeps {kept} snapshots, in which no VM is quiesced",
        f"if they are not wanted: snap sched {volume} 0 0 0",
    )


def _autodelete(volumes: Volumes, volume: str, version: str) -> Seen:
    match volumes.autodeletes(volume, version):
        case None:
            return Seen("this release has none")
        case False:
            return Seen("off")
        case True:
            return Seen(
                "the filer deletes snapshots by itself when the volume fills, retained backups too",
                f"snap autodelete {volume} off, and watch the space",
            )

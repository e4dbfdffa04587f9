"""A filer's links: the way to it, its version, and each volume with what could stand in a backup's way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snapall.config.settings import Config, Filer
from snapall.errors import Refused, SiteError
from snapall.operate.doctor.checklist import Check, Checklist, CheckOutcome
from snapall.site import transport_to
from snapall.site.filer import FilerReply, FilerSystem, Hop, NoAnswer, NotReached, NoVolume, Transport, require_7mode
from snapall.site.volumes import Volumes

MOST = 254  # snapshots at most present before one more is made: a volume holds 255
_CLOSE = 240
_LITTLE = 5  # percent of a volume


def check_filer(checks: Checklist, settings: Config, filer: Filer) -> None:
    """The way to it, hop by hop, then what it is."""
    transport = transport_to(filer)
    asked = _FailFastTransport(transport, filer.name)
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
        checks.check(f"filer {hop}", filer.name, lambda hop=hop: _hop(hop, ended, told), *([before] if before else []))  # type: ignore[misc]
        before = f"filer {hop} of {filer.name}"
    versions: list[str] = []

    def version() -> CheckOutcome:
        versions.append(system.version())
        require_7mode(versions[0])
        return CheckOutcome(versions[0])

    checks.check("version", filer.name, version, before)
    volumes = dict.fromkeys(one for job in settings.jobs.values() if job.filer == filer.name for one in job.volumes)
    for volume in volumes:
        _check_volume(checks, volume, system, Volumes(asked, filer.name), versions, f"version of {filer.name}")


class _FailFastTransport:
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
        return transport.greet().label
    try:
        system.version()
    except NotReached:
        raise
    except SiteError:
        pass  # it let us in; what it answers is judged later
    return ""


def _hop(hop: Hop, ended: NotReached | None, told: list[str]) -> CheckOutcome:
    order = list(Hop)
    if ended is not None and order.index(ended.hop) <= order.index(hop):
        raise ended
    match hop:
        case Hop.REACH:
            return CheckOutcome("it answers")
        case Hop.ALGORITHMS:
            return CheckOutcome("agreed")
        case Hop.HOST_KEY:
            return CheckOutcome(f"known: {told[0]}" if told else "known")
        case Hop.LOGIN:
            return CheckOutcome("let in")


def _check_volume(
    checks: Checklist, volume: str, system: FilerSystem, volumes: Volumes, versions: list[str], needs: str
) -> None:
    there = f"volume of {volume}"
    checks.check("volume", volume, lambda: _state(volumes, volume), needs)
    checks.check("snap list", volume, lambda: _count(system, volume), there)
    checks.check("space", volume, lambda: _allowed("df", lambda: _space(volumes, volume)), there)
    checks.check("snap sched", volume, lambda: _allowed("snap sched", lambda: _schedule(volumes, volume)), there)
    checks.check(
        "snap autodelete",
        volume,
        lambda: _allowed("snap autodelete", lambda: _autodelete(volumes, volume, versions[0])),
        there,
    )


def _allowed(command: str, look: Check) -> Iterable[CheckOutcome]:
    """What only informs may be beyond the login's role: that is no reason against a backup."""
    try:
        seen = look()
        return [seen] if isinstance(seen, CheckOutcome) else list(seen)
    except SiteError as error:
        return [_not_known(error, f"let the login's role allow `{command}`, or look by hand")]


def _not_known(error: SiteError, remedy: str) -> CheckOutcome:
    """What a filer said is its role's matter; what it did not say at all is the filer's own."""
    return CheckOutcome(f"not known: {error.message}", error.hint if isinstance(error, NoAnswer) else remedy)


def _state(volumes: Volumes, volume: str) -> CheckOutcome:
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
    return CheckOutcome("online")


def _count(system: FilerSystem, volume: str) -> Iterator[CheckOutcome]:
    rows = system.listing(volume)
    held = [row.name for row in rows if row.tags]
    if len(rows) > MOST:
        raise Refused(f"{len(rows)} snapshots are there, and a volume holds 255", f"snap delete {volume} some of them")
    if len(rows) > _CLOSE:
        yield CheckOutcome(f"{len(rows)} snapshots of 255 at most", "delete some that nobody needs")
    else:
        yield CheckOutcome(f"understood; {len(rows)} snapshots of 255 at most")
    if held:
        yield CheckOutcome(
            f"held by the filer: {', '.join(held)}", "the chain cannot move past these: see what holds them"
        )


def _space(volumes: Volumes, volume: str) -> Iterator[CheckOutcome]:
    space = volumes.space(volume)
    whole = space.total + space.reserve
    free = 100 * space.free // max(1, space.total)
    text = f"{free} % of the files' space is free; reserve {100 * space.reserve // max(1, whole)} %"
    if free < _LITTLE:
        yield CheckOutcome(text, "make room: a full volume stops the VMs, and takes no snapshot")
    elif space.snapshots > space.reserve:
        more = (space.snapshots - space.reserve) // (1 << 20)
        yield CheckOutcome(
            f"{text}; snapshots take {more} MiB beyond it", f"snap reserve {volume} PERCENT, or keep fewer"
        )
    else:
        yield CheckOutcome(text)


def _schedule(volumes: Volumes, volume: str) -> CheckOutcome:
    kept = volumes.scheduled(volume)
    if not kept:
        return CheckOutcome("no schedule of the filer's own")
    return CheckOutcome(
        f"the filer's own schedule keeps {kept} snapshots, in which no VM is quiesced",
        f"if they are not wanted: snap sched {volume} 0 0 0",
    )


def _autodelete(volumes: Volumes, volume: str, version: str) -> CheckOutcome:
    match volumes.autodeletes(volume, version):
        case None:
            return CheckOutcome("this release has none")
        case False:
            return CheckOutcome("off")
        case True:
            return CheckOutcome(
                "the filer deletes snapshots by itself when the volume fills, retained backups too",
                f"snap autodelete {volume} off, and watch the space",
            )

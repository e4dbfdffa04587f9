"""The checks of a filer: connection, version, and whatever could prevent a backup on its volumes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snapall.config.settings import Config, Filer
from snapall.errors import Refused, SiteError
from snapall.operate.doctor.checklist import Check, Checklist, CheckOutcome
from snapall.site import transport_to
from snapall.site.filer import FilerReply, FilerSystem, Hop, NoAnswer, NotReached, NoVolume, Transport
from snapall.site.version import require_7mode
from snapall.site.volumes import Volumes

MOST = 254  # snapshots that leave a free slot: a volume holds 255
_CLOSE = 240
_LITTLE = 5  # percent of a volume


def check_filer(checks: Checklist, settings: Config, filer: Filer) -> None:
    """Check the connection, hop by hop, then the version and the volumes of all jobs."""
    transport = transport_to(filer)
    fail_fast = _FailFastTransport(transport, filer.name)
    system = FilerSystem(fail_fast, filer.name, filer.host)
    failure: NotReached | None = None
    greeting = ("", CheckOutcome("known"))
    try:
        greeting = _greet(transport, system)
    except NotReached as error:
        failure = error
    clear = filer.transport == "rsh" and filer.password is not None
    needs = ""
    for hop in Hop if filer.transport == "ssh" else (Hop.REACH, Hop.LOGIN):
        check = f"filer {hop}"
        checks.check(check, filer.name, lambda hop=hop: _hop(hop, failure, *greeting, clear), needs)  # type: ignore[misc]
        needs = f"{check} of {filer.name}"
    versions: list[str] = []

    def version() -> list[CheckOutcome]:
        versions.append(system.version())
        require_7mode(versions[0], filer.name)
        return [CheckOutcome(versions[0]), *(CheckOutcome(*note) for note in system.notes)]

    checks.check("version", filer.name, version, needs)
    volumes = Volumes(fail_fast, filer.name)
    jobs = (job for job in settings.jobs.values() if job.filer == filer.name)
    for volume in dict.fromkeys(one for job in jobs for one in job.volumes):
        _check_volume(checks, filer.name, volume, system, volumes, versions)


class _FailFastTransport:
    """Sends nothing more once a command got no answer, since each command would wait for its whole timeout."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._name = name
        self._silence: tuple[str, NoAnswer] | None = None  # the command without an answer, and its error

    def run(self, command: str) -> FilerReply:
        remedy = "check the filer's health, then run `snapall doctor` again"
        match self._silence:
            case None:
                try:
                    return self._transport.run(command)
                except NoAnswer as error:
                    self._silence = command, NoAnswer(error.message, remedy, code=error.code)
                    raise self._silence[1] from error
            case unanswered, error if unanswered == command:
                raise error
            case unanswered, _:
                raise NoAnswer(f"not sent, because {self._name} did not answer `{unanswered}`", remedy, code="SA-4204")

    def preconnect(self) -> None:
        self._transport.preconnect()

    def command_line(self, command: str) -> str:
        return self._transport.command_line(command)


def _greet(transport: Transport, system: FilerSystem) -> tuple[str, CheckOutcome]:
    """Log in; return the algorithms, "" for rsh, and what the host key is worth. Raises NotReached."""
    from snapall.site.ssh import Ssh  # noqa: PLC0415 - paramiko

    if isinstance(transport, Ssh):
        greeting = transport.greet()
        text = f"known: {greeting.host_key.label}"
        warnings = [CheckOutcome(f"{text}; {note}", remedy, code) for note, remedy, code in transport.notes]
        return greeting.label, warnings[0] if warnings else CheckOutcome(text)
    try:
        system.version()
    except NotReached:
        raise
    except SiteError:
        pass  # the login worked; the answer is judged later
    return "", CheckOutcome("known")


def _hop(hop: Hop, failure: NotReached | None, algorithms: str, host_key: CheckOutcome, clear: bool) -> CheckOutcome:
    order = list(Hop)
    if failure is not None and order.index(failure.hop) <= order.index(hop):
        raise failure
    match hop:
        case Hop.REACH:
            return CheckOutcome("connected")
        case Hop.ALGORITHMS:
            return CheckOutcome(f"agreed: {algorithms}" if algorithms else "agreed")
        case Hop.HOST_KEY:
            return host_key
        case Hop.LOGIN:
            seen = "; rsh sends the password in clear: anybody on the way can read it, and ssh hides it"
            return CheckOutcome(f"accepted{seen if clear else ''}")


def _check_volume(
    checks: Checklist, filer: str, volume: str, system: FilerSystem, volumes: Volumes, versions: list[str]
) -> None:
    needs = f"volume of {volume}"
    checks.check("volume", volume, lambda: _state(volumes, volume), f"version of {filer}")
    checks.check("snap list", volume, lambda: _count(system, volume), needs)
    optional: dict[str, tuple[str, Check]] = {
        "space": ("df", lambda: _space(volumes, volume)),
        "snap sched": ("snap sched", lambda: _schedule(volumes, volume)),
        "snap autodelete": ("snap autodelete", lambda: _autodelete(volumes, volume, versions[0])),
    }
    for name, (command, check) in optional.items():
        checks.check(name, volume, lambda command=command, check=check: _optional(command, check), needs)  # type: ignore[misc]


def _optional(command: str, check: Check) -> Iterable[CheckOutcome]:
    """Perform a check that no backup depends on, so that the login's role need not allow its command."""
    try:
        outcome = check()
        return [outcome] if isinstance(outcome, CheckOutcome) else list(outcome)
    except SiteError as error:
        return [_not_known(error, f"allow `{command}` in the login's role, or check by hand")]


def _not_known(error: SiteError, remedy: str) -> CheckOutcome:
    """A refusal is a matter of the login's role; a missing answer is the filer's own problem."""
    return CheckOutcome(
        f"not known: {error.message}", error.hint if isinstance(error, NoAnswer) else remedy, error.code
    )


def _state(volumes: Volumes, volume: str) -> CheckOutcome:
    try:
        volumes.require_writable(volume)
    except NoVolume:
        raise
    except SiteError as error:
        return _not_known(error, "allow `vol status` in the login's role; `snap list` is checked next")
    return CheckOutcome("online")


def _count(system: FilerSystem, volume: str) -> Iterator[CheckOutcome]:
    rows = system.listing(volume)
    busy = [row.name for row in rows if row.tags]
    if len(rows) > MOST:
        text = f"there are {len(rows)} snapshots; a volume holds 255"
        raise Refused(text, f"delete some with `snap delete {volume} NAME`", "SA-4203")
    text = f"{len(rows)} snapshots of at most 255"
    yield CheckOutcome(text, "delete some that nobody needs" if len(rows) > _CLOSE else "")
    if busy:
        remedy = "find out what uses them: rotation cannot move past them"
        yield CheckOutcome(f"busy on the filer: {', '.join(busy)}", remedy)


def _space(volumes: Volumes, volume: str) -> CheckOutcome:
    space = volumes.space(volume)
    reserve = 100 * space.reserve // max(1, space.total + space.reserve)
    free = 100 * space.free // max(1, space.total)
    text = f"{free} % of the space for files is free; reserve {reserve} %"
    if not space.free:
        remedy = "free some space on the volume: VMs stop, and no snapshot can be taken"
        return CheckOutcome(text, remedy, "SA-5426", failed=True)
    if free < _LITTLE:
        return CheckOutcome(text, "free some space: on a full volume the VMs stop and no snapshot can be taken")
    if space.snapshots > space.reserve:
        more = (space.snapshots - space.reserve) // (1 << 20)
        text = f"{text}; snapshots take {more} MiB beyond it"
        return CheckOutcome(text, f"raise it with `snap reserve {volume} PERCENT`, or retain fewer backups")
    return CheckOutcome(text)


def _schedule(volumes: Volumes, volume: str) -> CheckOutcome:
    kept = volumes.scheduled(volume)
    if not kept:
        return CheckOutcome("the filer has no schedule of its own")
    text = f"the filer's own schedule keeps {kept} snapshots, without quiescing any VM"
    return CheckOutcome(text, f"if nobody needs them, run `snap sched {volume} 0 0 0` on the filer")


def _autodelete(volumes: Volumes, volume: str, version: str) -> CheckOutcome:
    match volumes.autodeletes(volume, version):
        case None:
            return CheckOutcome("not in this release")
        case False:
            return CheckOutcome("off")
        case True:
            text = "when the volume fills up, the filer deletes snapshots by itself, retained backups too"
            return CheckOutcome(text, f"run `snap autodelete {volume} off` on the filer, and monitor the space")

"""One cell: an operation that is struck at one call, then `recover`; and what of the filer is then unexplained."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from snapall.errors import Exit
from snapall.lab.ledger import Change, changes
from snapall.restore.steps import RestoreVolume
from tests.restore.crashes.desk import BACKUP, CHAIN, LUNS, OLDER, VOLUME, Desk, Ended, forked
from tests.restore.crashes.nightly import night, wrong_with_backups
from tests.restore.crashes.operations import Operation, recover, unmount
from tests.restore.crashes.picture import Picture, taken, unexplained
from tests.restore.crashes.strikes import DEAD, Strike

NOT_SHOWN = "no look can show it"
REPLICATED = (VOLUME, "vmvol1_mirror", "sv")
HOUR = 3600.0  # seconds, after which nothing is under way any more


@dataclass(frozen=True, slots=True)
class Played:
    """An operation as it goes when nothing strikes it: the filer before and after, and the calls."""

    operation: Operation
    folder: Path
    before: Picture
    after: Picture
    whole: Ended
    mounts: frozenset[str]  # those that stand beforehand
    entries: int  # of the ledger by then


def played(operation: Operation, folder: Path) -> Played:
    """Make what it begins with, in `folder`, and play it on a copy."""
    with Desk(folder) as desk:
        backups = _backups_of_many_days(desk)
        operation.before(desk)
        before = taken(desk.world)
        mounts, entries = frozenset(one.id for one in desk.store.standing()), len(desk.world.ledger())
    with Copy(folder) as copy:
        whole = forked(copy, Strike(), operation.do)
        with Desk(copy) as desk:
            desk.world.advance(HOUR)
            after = taken(desk.world)
    assert whole.code == Exit.OK, f"{operation.name}: exit {whole.code} although nothing went wrong"
    for path in LUNS:
        assert after.contents[path] in {backups[name][path] for name in ("", BACKUP, OLDER)}
    return Played(operation, folder, before, after, whole, mounts, entries)


def _backups_of_many_days(desk: Desk) -> dict[str, Mapping[str, str]]:
    """Each retained backup holds LUNs as they were that night; they have changed since. What each holds, and "" now."""
    found = {}
    for name in (*reversed(CHAIN), ""):
        for path in LUNS:
            desk.world.write_lun(path, 1 << 20, f"{path} before {name}".encode().ljust(64))
        if name:
            desk.filer.run(f"snap delete {VOLUME} {name}")
            desk.filer.run(f"snap create {VOLUME} {name}")
            desk.world.advance(24 * HOUR)
        found[name] = taken(desk.world).contents
    return found


@dataclass
class Copy:
    """A copy of a folder, for a `with` block."""

    folder: Path
    _place: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)

    def __enter__(self) -> Path:
        return shutil.copytree(self.folder, Path(self._place.name, "cell"))

    def __exit__(self, *_: object) -> None:
        self._place.cleanup()


def struck(of: Played, strike: Strike) -> Iterator[str]:
    """Strike, recover, and say what does not hold."""
    with Copy(of.folder) as folder:
        ended = forked(folder, strike, of.operation.do)
        with Desk(folder) as desk:
            if ended.code not in {*map(int, Exit), DEAD}:
                yield f"it ended with {ended.code}"
            yield from _explained(of, desk, over=ended.code == Exit.OK)
            if strike.night:
                yield from _after_a_night(of, desk)
            else:
                yield from _judged(of, ended, desk)


def _after_a_night(of: Played, desk: Desk) -> Iterator[str]:
    """The run may be refused; the LUNs are as before or as wanted all the same, and so are the backups."""
    kept = [one for one in CHAIN if of.after.things.get(f"snapshot {VOLUME} {one}")]  # by the use itself
    dates = [row.date for row in desk.world.listing(VOLUME) if row.name in kept]
    ran = forked(desk.folder, Strike(), night)
    code = recover(desk)
    desk.world.advance(HOUR)
    left, said = taken(desk.world), _messages(desk)
    not_as_wanted, not_as_before = (_luns(left.unlike(one)) for one in (of.after, of.before))
    if not_as_wanted and not_as_before:
        odd = min(unexplained(not_as_wanted, said), unexplained(not_as_before, said), key=len)
        yield from _unlike(f"after a run ({ran.code}) and recover ({code})", frozenset(odd), said)
    yield from wrong_with_backups(desk, dates, ran.code)
    yield from _never(of, desk, left)
    if recover(desk) is not Exit.OK or desk.open_uses:
        yield "a second recover fails, or leaves a journal open"


def _luns(things: frozenset[str]) -> frozenset[str]:
    return frozenset(one for one in things if one.startswith("/"))


def _judged(of: Played, ended: Ended, desk: Desk) -> Iterator[str]:
    """All of it is done, or nothing, or what is missing is named."""
    if ended.code == Exit.OK:
        desk.world.advance(HOUR)
        odd = unexplained(taken(desk.world).unlike(of.after), _messages(desk))
        yield from _unlike("it succeeded, and is not as wanted", frozenset(odd), "")
    code = recover(desk)
    desk.world.advance(HOUR)
    left, said = taken(desk.world), _messages(desk)
    not_as_wanted, not_as_before = left.unlike(of.after), left.unlike(of.before)
    if not_as_wanted and not_as_before:
        odd = min(unexplained(not_as_wanted, said), unexplained(not_as_before, said), key=len)
        yield from _unlike(f"after recover ({code})", frozenset(odd), said)
        if not odd and code is Exit.OK and ended.code in {DEAD, Exit.OK} and NOT_SHOWN not in said:
            yield f"only a part was done, and nobody failed: {said}"
    yield from _never(of, desk, left)
    yield from _sent_once(of, desk)
    yield from _again(of, desk, left)


def _unlike(what: str, things: frozenset[str], said: str) -> Iterator[str]:
    if things:
        yield f"{what}: {', '.join(sorted(things))}{'; messages: ' if said else ''}{said}"


def _explained(of: Played, desk: Desk, *, over: bool) -> Iterator[str]:
    """What is unlike before is named by a journal that `status` shows; when it is over, a host's LUN is as wanted."""
    shown = {one.id for one in desk.store.standing()}
    uses = [one for one in desk.states if one.header.stamp in shown or one.irrevocable]
    steps = [one.step for use in uses for one in use.steps.values()]
    volumes = {one.volume for one in steps if isinstance(one, RestoreVolume)}
    asked = (one.asked_at for state in desk.replications for one in state.tasks.values())
    volumes |= {*REPLICATED} if any(asked) else set()
    now = taken(desk.world)
    wanted = of.before.things.keys() - now.things.keys() - of.after.things.keys()  # gone
    wanted |= {*LUNS} - now.unlike(of.after) if over else set()
    odd = unexplained(now.unlike(of.before) - wanted, " ".join(map(str, steps)), volumes)
    if odd:
        yield f"no journal explains {', '.join(odd)}"


def _never(of: Played, desk: Desk, left: Picture) -> Iterator[str]:
    """What must never be, whatever happened."""
    for path in LUNS:
        if left.contents.get(path, "gone") not in {of.before.contents.get(path), of.after.contents.get(path)}:
            yield f"{path} is neither as before nor as in the backup"
    bystanders = of.before.things.keys() - of.before.unlike(of.after) - {*LUNS}
    for one in desk.world.ledger().since(of.entries).effects:
        if one.name in bystanders or (one.change is Change.DESTROYED and one.name in LUNS):
            yield f"not ours: {one.label}"


def _sent_once(of: Played, desk: Desk) -> Iterator[str]:
    """Of a replication nothing is sent twice, and `recover` only looks."""
    if desk.replications:
        sent = Counter(one.command for one in desk.world.ledger().since(of.entries).changing)
        twice = {one for one, count in sent.items() if count > 1 and one.startswith("snap")}
        if again := twice | {one for one in desk.filer.sent if changes(one.split())}:
            yield f"sent again, or by recover: {again}"


def _messages(desk: Desk) -> str:
    texts = [one.text for state in desk.states for one in state.messages]
    return "; ".join([*texts, *(one.text for state in desk.replications for one in state.failures)])


def _again(of: Played, desk: Desk, left: Picture) -> Iterator[str]:
    """A second `recover` has nothing to do; what stands can be taken down."""
    if recover(desk) is not Exit.OK or taken(desk.world).things != left.things:
        yield "a second recover changes something, or fails"
    if desk.open_uses:
        yield "a journal is still open"
    if any(one.stands and one.header.stamp not in of.mounts for one in desk.states):  # not what only stays said
        code = unmount(desk)
        yield from _unlike(f"unmount ({code}) leaves", taken(desk.world).unlike(of.before), "")

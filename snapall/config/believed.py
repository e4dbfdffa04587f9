"""Who could have written the configuration, and the secrets, host keys and programs that it names.

backup/trust.py has the table of what is refused and what is warned of.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from snapall.backup import rights, trust
from snapall.backup.breaches import POLICY, Breach, BreachVerdict, Doubt, FilePurpose, Owner
from snapall.errors import ConfigError

if TYPE_CHECKING:
    from snapall.config.settings import Config


@dataclass(frozen=True, slots=True)
class Finding:
    """A file that others could have written or can read, with the remedy."""

    text: str
    hint: str
    code: str


def require_believed(path: Path, *more_owners: Owner, careful: bool) -> None:
    """Check a configuration, and the overlay of a batch. ConfigError: somebody else could have written it.

    `careful`: refuse also what a group can write; not so `recover`, which must not leave VMs quiesced for that.
    """
    refused = {BreachVerdict.REFUSE, BreachVerdict.CAREFUL} if careful else {BreachVerdict.REFUSE}
    for file in _configuration(path):
        with suppress(OSError):  # reading it reports that
            for doubt in trust.doubts(file, *more_owners):
                if POLICY[FilePurpose.CONFIGURATION][doubt.breach] in refused:
                    found = _finding(file, doubt)
                    raise ConfigError(found.text, found.hint, found.code)


def findings(config: Config) -> tuple[Finding, ...]:
    """Return what `run`, `recover` and `doctor` warn of; one fault of a folder is named once."""
    found: dict[tuple[Path, Breach], Finding] = {}
    for kind, path in _believed(config):
        with suppress(OSError):  # a file that is not there is another matter
            state = kind is FilePurpose.STATE  # what is in it is checked where it is opened
            for doubt in trust.replaceable(path) if state else trust.doubts(path):
                if POLICY[kind][doubt.breach] is not BreachVerdict.FINE:
                    found.setdefault((doubt.place, doubt.breach), _finding(path, doubt))
    return tuple(found.values())


def _configuration(path: Path) -> tuple[Path, ...]:
    if path.suffix.lower() not in {".bat", ".cmd"}:
        return (path,)
    from snapall.config.batch.source import overlay_of  # noqa: PLC0415 - few need it

    return (path, overlay_of(path)) if overlay_of(path).exists() else (path,)


def _believed(config: Config) -> Iterator[tuple[FilePurpose, Path]]:
    yield FilePurpose.STATE, config.state
    yield from ((FilePurpose.CONFIGURATION, path) for path in _configuration(config.path))
    yield from ((FilePurpose.SECRET, path) for path in config.secret_files)
    yield from (
        (FilePurpose.KNOWN_HOSTS, one.known_hosts) for one in config.filers.values() if one.known_hosts is not None
    )
    hooks = (argv for one in config.hooks.values() for argv in (one.before, one.after, one.on_failure))
    for argv in dict.fromkeys((config.vcenter.vcbsnapshot, *hooks)):
        yield from ((FilePurpose.PROGRAM, path) for path in _programs(argv))


def _programs(argv: tuple[str, ...]) -> Iterator[Path]:
    """The program of a command, and the script that it runs if that comes next, as in `sh /etc/hook.sh`."""
    program = shutil.which(argv[0]) if argv else None
    if program is not None:
        yield Path(program).absolute()
    yield from (Path(word) for word in argv[1:2] if Path(word).is_absolute() and Path(word).is_file())


def _finding(path: Path, doubt: Doubt) -> Finding:
    us = trust.my_name()
    match doubt.breach:
        case Breach.OWNER:
            them = doubt.why
            return Finding(
                f"{path} belongs to user {them}, and this is {us}, so it is not trusted",
                f"check its content, then run `{rights.owned_by_us(path)}`",
                "SA-7100",
            )
        case Breach.EVERYBODY | Breach.GROUP:
            return Finding(
                f"others can write {path}: {doubt.why}",
                f"check its content, then run `{rights.one_writer(path)}`",
                "SA-7101",
            )
        case Breach.FOLDER | Breach.SHARED_FOLDER:
            return Finding(
                f"others can replace {path}, because {doubt.why}",
                f"let only {rights.TRUSTED} and {us} write {doubt.place}, or move the file to such a folder",
                "SA-7102",
            )
        case Breach.READABLE:
            return Finding(
                f"{path} holds a secret, and not only its owner can read it: {doubt.why}",
                f"run `{rights.one_reader(path)}`",
                "SA-7103",
            )

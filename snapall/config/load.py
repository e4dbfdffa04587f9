"""snapall.toml, or an old batch file -> the frozen configuration; all faults at once, and nothing is contacted."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from snapall.backup import trust
from snapall.backup.breaches import Owner
from snapall.backup.model import FILER_NAME, Grade, Job, Order
from snapall.config.believed import require_believed
from snapall.config.complaints import ConfigFault, faults_of
from snapall.config.conflicts import FOREIGN
from snapall.config.paths import expanded
from snapall.config.rules import NAME
from snapall.config.settings import DEFAULT_PUBLISH, Config
from snapall.config.tomlfile import dotted, tables_of, text_of
from snapall.config.values import Reading
from snapall.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from snapall.config.batch.source import BatchSource


def find(explicit: Path | None, environ: Mapping[str, str]) -> Path:
    """The file to read: --config FILE, else SNAPALL_CONFIG, else snapall.toml here; ConfigError if it is not there."""
    match explicit, environ.get("SNAPALL_CONFIG"):
        case Path() as path, _:
            origin = "--config names it"
        case None, str(named) if named:
            path, origin = Path(named), "SNAPALL_CONFIG names it"
        case _:
            path, origin = Path("snapall.toml"), "neither --config nor SNAPALL_CONFIG names another file"
    path = path.absolute()
    try:
        there = path.exists()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", "check the file's name and permissions", "SA-7002"
        ) from error
    if not there:
        remedy = "name the file with --config FILE or SNAPALL_CONFIG, or write one with `snapall init`"
        raise ConfigError(f"{path}: there is no such file ({origin})", remedy, "SA-7002")
    return path


def load(
    path: Path, environ: Mapping[str, str] = os.environ, *, secrets: bool = True, settling: bool = False
) -> Config:
    """The configuration that a file holds. Raises ConfigError with all faults, and if others could have written it.

    `secrets`: passwords and key files are read too; without them nobody can be contacted, and the owner of the state
    folder is believed. `settling`: for `recover`, which does not refuse a file for what its group can do.
    """
    path = path.absolute()
    if secrets:
        require_believed(path, careful=not settling)
        return _read(path, environ, secrets=True)
    config = _read(path, environ, secrets=False)
    require_believed(path, *owner_of(config.state), careful=False)
    return config


def owner_of(folder: Path) -> tuple[Owner, ...]:
    """The user who owns the folder, if it is there."""
    with suppress(OSError):
        return (trust.owner_of(folder),)
    return ()


def state_of(path: Path) -> Path | None:
    """The state folder that a file names, however wrong the rest of it is; None if that cannot be read."""
    from snapall.config.batch.source import overlay_of  # noqa: PLC0415 - few need it

    with suppress(ConfigError, ValueError):
        batch = path.suffix.lower() != ".toml"
        file = overlay_of(path) if batch else path
        tables = {} if batch and not file.exists() else tables_of(text_of(file), file)
        name = tables.get("state", "snapall.state")
        return path.absolute().parent / expanded(name, os.environ) if isinstance(name, str) and name else None
    return None


def _read(path: Path, environ: Mapping[str, str], *, secrets: bool) -> Config:
    match path.suffix.lower():
        case ".toml":
            return parse(text_of(path), path, environ, secrets=secrets)
        case ".bat" | ".cmd":
            from snapall.config.batch.source import source_of  # noqa: PLC0415 - few need it

            return from_batch(source_of(path), environ)
        case _:
            raise ConfigError(
                f"{path}: only .toml, .bat and .cmd files can be read",
                "name a file such as snapall.toml or snapall.bat",
                "SA-7002",
            )


def parse(text: str, path: Path, environ: Mapping[str, str], *, secrets: bool = True) -> Config:
    """The configuration that a text holds; `path`, absolute, is its file, to which its paths are relative."""
    reading = Reading(path.parent, environ, secrets)
    return validated(tables_of(text, path), path, reading, lambda fault: f"{path}: {dotted(fault.path)}: {fault.text}")


def from_batch(source: BatchSource, environ: Mapping[str, str]) -> Config:
    """The configuration of a batch file; a fault names the line, or the overlay's key."""
    reading = Reading(source.path.parent, environ)
    return validated(source.batch.table, source.path, reading, lambda fault: source.located(fault.path, fault.text))


def validated(raw: Mapping[str, object], path: Path, reading: Reading, line_of: Callable[[ConfigFault], str]) -> Config:
    """The configuration that tables hold. ConfigError: all faults, each as `line_of` puts it."""
    try:
        return Config.model_validate({**raw, NAME: path}, context=reading)
    except ValidationError as error:
        lines = dict.fromkeys(map(line_of, faults_of(error)))
    remedy = "correct the file, or what it names, then check it with `snapall plan`"
    raise ConfigError("\n".join(lines), remedy, "SA-7001")


def jobs_named(config: Config, names: Sequence[str]) -> tuple[Job, ...]:
    """The jobs of these names, each once, in the order asked for; all when none is named. Raises ConfigError."""
    unknown = [name for name in dict.fromkeys(names) if name not in config.jobs]
    if unknown:
        listed = ", ".join(map(repr, unknown))
        raise ConfigError(f"{config.path}: no such job: {listed}", f"the file has {', '.join(config.jobs)}", "SA-7003")
    return tuple(config.jobs[name] for name in dict.fromkeys(names or config.jobs))


def with_order(job: Job, order: Order) -> Job:
    """The job in the order that `run --order` asks for; ConfigError if the file wants a grade, which paper has not."""
    if order is Order.PAPER and job.publish_given and job.publish is not Grade.CRASH_CONSISTENT:
        raise ConfigError(
            f'jobs.{job.name}.publish: only "any" goes with order = "paper", which rotates before it knows the grade',
            "leave publish out of the file, or leave out --order paper",
            "SA-7004",
        )
    publish = job.publish if job.publish_given else DEFAULT_PUBLISH[order]
    return replace(job, order=order, publish=publish)


def check_keep(name: str, config: Config, chosen: Sequence[Job]) -> None:
    """Whether `run --keep NAME` may be taken: a name that a filer bears, that no job rotates, and that one job gives.

    Raises ConfigError.
    """
    if FILER_NAME.fullmatch(name) is None:
        raise ConfigError(
            f"--keep: {name!r} cannot be a snapshot's name", "use letters, digits, `_`, `.` and `-`", "SA-7005"
        )
    if FOREIGN.fullmatch(name):
        raise ConfigError(f"--keep: {name} is a name that the filer itself uses", "choose another name", "SA-7005")
    for job in config.jobs.values():  # of them all: two may share a volume
        if name.lower() in {one.lower() for one in job.chain} or name.lower().startswith(f"{job.prefix}_new_".lower()):
            raise ConfigError(f"--keep: {name} is a name that job {job.name} rotates", "choose another name", "SA-7005")
    for one, other in combinations(chosen, 2):
        if shared := _volumes_of(config, one) & _volumes_of(config, other):
            volume = min(shared)[1]
            raise ConfigError(
                f"--keep: jobs {one.name} and {other.name} would both make {name} on volume {volume}",
                "name one of the two jobs",
                "SA-7005",
            )


def _volumes_of(config: Config, job: Job) -> set[tuple[str, str]]:
    """The job's volumes, each with its filer; two tables may name one filer."""
    return {(config.filers[job.filer].host.lower(), volume.lower()) for volume in job.volumes}

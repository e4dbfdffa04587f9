"""mount, unmount and restore: use a backup."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from snapall.commands import options
from snapall.errors import ConfigError, Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.app.use_look import UseRequest
    from snapall.backup.model import Job
    from snapall.config.settings import Config
    from snapall.restore.checks import Objection
    from snapall.restore.helper import Advice

Snapshot = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="The backup's name, as `snapall list` shows it.")]
Vms = Annotated[list[str] | None, typer.Option("--vm", metavar="NAME", help="All LUNs of this VM.")]
LunPaths = Annotated[list[str] | None, typer.Option("--lun", metavar="PATH", help="This LUN: /vol/VOLUME/NAME.")]
Force = Annotated[bool, typer.Option("--force", help="Override what is named as to be overridden.")]
WholeVolumes = Annotated[bool, typer.Option("--volume", help="The job's whole volumes.")]
SingleFile = Annotated[bool, typer.Option("--file", help="A file out of the disk: print how to get it by a mount.")]
RestoreWay = Annotated[
    Literal["file", "swap", "copy"],
    typer.Option(
        "--way",
        help="file: the filer puts the LUN back (SnapRestore licence). swap: a clone takes its place. copy: "
        "print how to copy it on a host.",
    ),
]
RestoreIt = Annotated[bool, typer.Option("--yes", help="Restore it; without this it is only shown.")]
_DAYS = re.compile(r"(\d{1,4})d")


def mount(
    job: options.JobName,
    snapshot: Snapshot,
    vm: Vms = None,
    lun: LunPaths = None,
    igroup: Annotated[
        str, typer.Option("--igroup", metavar="NAME", help="The initiator group of the helper that is to see it.")
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What it is for, as `status` shows it.")] = "",
    wanted: Annotated[str, typer.Option("--for", metavar="DAYS", help="How long it is wanted: 14d.")] = "",
    split: Annotated[
        bool, typer.Option("--split", help="Make the clone independent of the backup. Nothing takes that back.")
    ] = False,
    force: Force = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show a backup's disks to a helper machine.

    Clones the LUNs as they were and maps the clones to the helper's initiator group. The backup does not change, and
    is not rotated while it is mounted. `snapall unmount` takes the clones down.
    """
    from snapall.app.use_look import UseRequest

    _require_one(vm, lun)
    if not igroup:
        raise ConfigError("no initiator group was named", "add --igroup NAME: that of a helper machine", "SA-1740")
    settings, (chosen,) = options.chosen(config, [job])
    request = UseRequest(
        snapshot, tuple(vm or ()), tuple(lun or ()), "", igroup, name, _until(wanted), split, force=force
    )
    _perform(settings, chosen, request, as_json=as_json, quiet=quiet)


def unmount(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Mounts, as `snapall status` shows them.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All mounts.")] = False,
    config: options.ConfigFile = None,
    quiet: options.Quiet = False,
) -> None:
    """Take mounted disks down.

    Unmaps and destroys the clones that the mount made, and nothing else; each step is confirmed by a look.
    """
    from snapall.app.output import Output
    from snapall.app.uses import unmount as take_down

    if bool(ids) == all_:
        raise ConfigError("name mounts, or add --all", "`snapall status` shows the mounts", "SA-1741")
    options.leave(take_down(options.load(config), ids or (), Output(quiet=quiet)))


def restore(
    job: options.JobName,
    snapshot: Snapshot,
    vm: Vms = None,
    lun: LunPaths = None,
    volume: WholeVolumes = False,
    file: SingleFile = False,
    way: RestoreWay = "file",
    yes: RestoreIt = False,
    force: Force = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Put disks back as a backup has them.

    Shows every command and what stands against it; acts with --yes. The VMs must be off and have no VM snapshot.
    """
    from snapall.app.use_look import UseRequest, prepare
    from snapall.restore import helper
    from snapall.views.json_root import root
    from snapall.views.mounts import plan_json, plan_lines

    _require_one(vm, lun, volume=volume)
    settings, (chosen,) = options.chosen(config, [job])
    how = "volume" if volume else "swap" if way == "copy" else way
    request = UseRequest(snapshot, tuple(vm or ()), tuple(lun or ()), "" if file else how, whole=volume, force=force)
    if yes and not file and way != "copy":
        _perform(settings, chosen, request, as_json=as_json, quiet=quiet)
    ready = prepare(settings, chosen, request)
    if file or (way == "copy" and not volume):
        paths = tuple(one.step.parent for one in ready.header.plan if hasattr(one.step, "parent"))
        ready.require(force=True)
        _advise((helper.by_file if file else helper.by_copy)(job, snapshot, paths))
        return
    if as_json:
        options.emit([json.dumps(root(**plan_json(ready.header, ready.commands, ready.against)))])
    else:
        options.emit(plan_lines(ready.header, ready.commands, ready.against, options.width()))
        options.say(_how_to_go_on(ready.against, force=force))
    options.leave(Exit.FAILED if any(not (force and one.force) for one in ready.against) else Exit.OK)


def _how_to_go_on(against: Sequence[Objection], *, force: bool) -> str:
    if any(not one.force for one in against):
        return "nothing was changed, and --yes would not either: first settle what nothing overrides"
    if against and not force:
        return "nothing was changed; add --yes and --force to restore it in spite of that"
    return "nothing was changed; add --yes to restore it"


def _perform(settings: Config, job: Job, request: UseRequest, *, as_json: bool, quiet: bool) -> None:
    from snapall.app.output import Output
    from snapall.app.uses import perform
    from snapall.restore import helper
    from snapall.restore.mounted import mount_of
    from snapall.views.mounts import done_json, mounted_lines

    state, code = perform(settings, job, request, Output(quiet=quiet or as_json))
    mount = mount_of(state, half=False) if not request.way and code is Exit.OK else None
    if as_json:
        options.emit([json.dumps(done_json(state.header, int(code), mount))])
    elif code is Exit.OK and mount is not None:
        options.emit(mounted_lines(mount, options.width()))
        _advise((("", ""), *helper.to_see(mount.luns), ("", ""), *helper.to_let_go()))
    elif code is Exit.OK:
        _advise(helper.after_restore(request.way, state.header.vm_snapshot))
    options.leave(code)


def _advise(advice: Advice) -> None:
    from snapall.views.columns import labelled

    options.emit([line for label, text in advice for line in labelled(label, text, options.width())])


def _require_one(vm: list[str] | None, lun: list[str] | None, *, volume: bool = False) -> None:
    from snapall.restore.luns.commands import fit_path

    for path in lun or ():
        fit_path(path)
    if sum((bool(vm), bool(lun), volume)) != 1:
        raise ConfigError("name what is wanted", "add one of --vm, --lun and (restore) --volume", "SA-1742")


def _until(wanted: str) -> str:
    from snapall.backup.clock import SystemClock

    if not wanted:
        return ""
    found = _DAYS.fullmatch(wanted.strip().lower())
    if found is None or not int(found[1]):
        raise ConfigError(f"--for: {wanted!r} is no number of days", "write 14d", "SA-1743")
    return (SystemClock().utc() + timedelta(days=int(found[1]))).date().isoformat()

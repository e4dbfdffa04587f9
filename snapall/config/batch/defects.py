"""What a batch file does wrong, judged by its text: each defect with its lines, and what snapall does instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from snapall.config.batch.contents import (
    Defect,
    Query,
    QuiesceLoop,
    ReleaseLoop,
    Script,
    Snap,
    SnapshotQuery,
    VcbLoop,
    VmQuery,
)

_Found = tuple[Sequence[int], str, str]
"""The lines of a defect, none if the file does not have it; what is wrong; what snapall does instead."""


def defects_of(script: Script) -> tuple[Defect, ...]:
    """Return the defects of a file without faults; those that cost backups come first."""
    found = [*_of_the_workflow(script), *_of_the_results(script), *_of_the_log(script), *_of_the_values(script)]
    return tuple(Defect(tuple(sorted(set(lines))), what, instead) for lines, what, instead in found if lines)


def _of_the_workflow(script: Script) -> Iterator[_Found]:
    statements = script.statements
    for one in statements.of(QuiesceLoop):
        unset = one.login.unset_user
        name = unset if unset.startswith("the ") else f"%{unset}%"
        yield (
            [one.line] if unset else [],
            f"{name} is never set: a vcbsnapshot that refuses a missing user quiesces no VM",
            "it uses the user of the release line, and names each VM that was not quiesced",
        )
    captured = max((one.line for one in statements.captures), default=0)
    yield (
        [one.line for one in statements.of(Snap) if one.verb != "create" and one.line < captured],
        "it deletes and renames the older backups before the new one exists: failed nights push good backups out",
        "it rotates only after the new backup is confirmed",
    )
    yield (
        [one.line for one in statements.of(SnapshotQuery) if not one.limited_to],
        "the query is not limited to the datastore: it also removes other people's snapshots of that name",
        "it removes only what it made itself, by id",
    )
    templates = [one.line for one in statements.of(VmQuery) if one.templates]
    yield templates, "the query includes templates", "it leaves templates out"
    yield (
        [one.line for one in statements.of(VcbLoop)],
        "it handles one VM after the other, without timeout or lock, and takes error text in the list for ids",
        "it has timeouts and a lock, reads only numbers, and handles vcenter.parallel VMs at a time",
    )
    yield (
        [one.line for one in statements.of(ReleaseLoop)],
        "it does not retry a failed removal: the VM keeps its snapshot",
        "the journal keeps it as outstanding, and recover or the next run releases it",
    )


def _of_the_results(script: Script) -> Iterator[_Found]:
    gone = {value.text: value.line for value in script.deleted}
    queries = [one for one in script.statements.of(Query) if one.out is not None]
    yield (
        [one.line for one in queries if gone.get(str(one.out), one.line + 1) > one.line],
        "when the query fails, it uses last night's list",
        "it keeps no lists, and changes nothing when a query fails",
    )
    yield script.always, "`if errorlevel 0` is true after every error but a crash", "it checks every result"
    following = {trace.line: after.line for trace, after in pairwise(script.traces)}
    yield (
        [
            trace.line
            for trace in script.traces
            if not any(trace.line <= check < following.get(trace.line, script.last + 1) for check in script.checks)
            or trace.program == "vcbsnapshot"
        ],
        "it ignores results: it goes on after a failure, and takes the snapshot all the same",
        "it checks every call and looks up unknown outcomes; a failed run leaves the retained backups alone",
    )
    last = [script.last] if not script.exits else []
    yield last, "the exit code is that of the last command only", "the exit code covers the whole run"


def _of_the_log(script: Script) -> Iterator[_Found]:
    calls = [one for one in script.traces if one.program != "osql"]
    yield [one.line for one in calls if not one.logged], "the output is not logged", "it logs every answer"
    yield (
        [one.line for one in script.traces if not one.errors_logged],
        "the error output is not logged",
        "it logs errors with the VM or the snapshot and the remedy",
    )
    yield (
        [one.line for one in calls if one.logged],
        "while another program has the log open, the command does not run at all",
        "its work does not depend on the log",
    )
    yield script.emptied, "it overwrites the log with >", "it appends to the log"
    folder = script.folder
    if folder is not None:
        relative = [one.line for one in script.logs if "\\" not in one.text and "/" not in one.text]
        yield (
            [line for line in relative if line < folder.line],
            "the log before the change of folder is another file",
            "the log has one place, beside the configuration",
        )
        yield (
            [folder.line] if not {folder.line, folder.line + 1} & set(script.checks) else [],
            "it does not notice a failed change of folder, and rotates all the same",
            "it needs no change of folder",
        )


def _of_the_values(script: Script) -> Iterator[_Found]:
    for line, name in dict.fromkeys(script.blanks):
        yield [line], f"there are blanks at the end of {name}, and cmd keeps them", "it removes them"
    yield (
        [one.line for one in script.traces if one.bare_variables],
        "values are used without quotes: a blank splits the value, & ends the command",
        "no shell reads its values",
    )
    yield (
        script.in_command_lines,
        "a password is on the command line, where others on the machine can read it",
        "those of database and filer never are, and vcbsnapshot's need not be (config.js)",
    )

"""What a batch file does wrong, judged by its text: each defect with its lines, and what snapall does instead."""

from __future__ import annotations

from collections.abc import Iterator

from snapall.config.batch.facts import Defect, QuiesceLoop, ReleaseLoop, Script, Snap, SnapshotQuery, VmQuery


def defects_of(script: Script) -> tuple[Defect, ...]:
    """Return the defects of a file without faults; those that cost backups come first."""
    found = [
        *_of_the_workflow(script),
        *_of_the_loops(script),
        *_of_the_results(script),
        *_of_the_log(script),
        *_of_the_values(script),
    ]
    return tuple(one for one in found if one.lines)


def _lines(found: Iterator[int] | list[int]) -> tuple[int, ...]:
    return tuple(sorted(set(found)))


def _of_the_workflow(script: Script) -> Iterator[Defect]:
    statements = script.statements
    for one in statements:
        if isinstance(one, QuiesceLoop) and one.login.unset_user:
            unset = one.login.unset_user
            name = unset if unset.startswith("the ") else f"%{unset}%"
            what = f"{name} is never set: a vcbsnapshot that refuses a missing user quiesces no VM"
            yield Defect(
                (one.line,), what, "it uses the user of the release line, and names each VM that was not quiesced"
            )
    captures = [one.line for one in statements if isinstance(one, Snap) and one.verb == "create"]
    moves = [one.line for one in statements if isinstance(one, Snap) and one.verb != "create"]
    early = [line for line in moves if any(capture > line for capture in captures)]
    yield Defect(
        _lines(early),
        "it deletes and renames the older backups before the new one exists: failed nights push good backups out",
        "it rotates only after the new backup is confirmed",
    )
    looks = [one.line for one in statements if isinstance(one, SnapshotQuery) and not one.limited_to]
    yield Defect(
        _lines(looks),
        "the query is not limited to the datastore: it also removes other people's snapshots of that name",
        "it removes only what it made itself, by id",
    )
    yield Defect(
        _lines([one.line for one in statements if isinstance(one, VmQuery) and one.templates]),
        "the query includes templates",
        "it leaves templates out",
    )


def _of_the_loops(script: Script) -> Iterator[Defect]:
    statements = script.statements
    loops = [one.line for one in statements if isinstance(one, QuiesceLoop | ReleaseLoop)]
    yield Defect(
        _lines(loops),
        "it handles one VM after the other, without timeout or lock, and takes error text in the list for ids",
        "it has timeouts and a lock, reads only numbers, and handles vcenter.parallel VMs at a time",
    )
    yield Defect(
        _lines([one.line for one in statements if isinstance(one, ReleaseLoop)]),
        "it does not retry a failed removal: the VM keeps its snapshot",
        "the journal keeps it as outstanding, and recover or the next run releases it",
    )
    gone = {value.text: value.line for value in script.deleted}
    stale = [
        one.line
        for one in statements
        if isinstance(one, VmQuery | SnapshotQuery)
        and one.out is not None
        and gone.get(one.out, one.line + 1) > one.line
    ]
    yield Defect(
        _lines(stale),
        "when the query fails, it uses last night's list",
        "it keeps no lists, and changes nothing when a query fails",
    )


def _of_the_results(script: Script) -> Iterator[Defect]:
    yield Defect(
        _lines(script.always),
        "`if errorlevel 0` is true after every error but a crash",
        "it checks every result",
    )
    following = {trace.line: after.line for trace, after in zip(script.traces, script.traces[1:], strict=False)}
    unchecked = [
        trace.line
        for trace in script.traces
        if not any(trace.line <= check < following.get(trace.line, script.last + 1) for check in script.checks)
        or trace.program == "vcbsnapshot"
    ]
    yield Defect(
        _lines(unchecked),
        "it ignores results: it goes on after a failure, and takes the snapshot all the same",
        "it checks every call and looks up unknown outcomes; a failed run leaves the retained backups alone",
    )
    yield Defect(
        (script.last,) if not script.exits else (),
        "the exit code is that of the last command only",
        "the exit code covers the whole run",
    )


def _of_the_log(script: Script) -> Iterator[Defect]:
    yield Defect(
        _lines([one.line for one in script.traces if one.program != "osql" and not one.logged]),
        "the output is not logged",
        "it logs every answer",
    )
    yield Defect(
        _lines([one.line for one in script.traces if not one.errors_logged]),
        "the error output is not logged",
        "it logs errors with the VM or the snapshot and the remedy",
    )
    yield Defect(
        _lines([one.line for one in script.traces if one.program != "osql" and one.logged]),
        "while another program has the log open, the command does not run at all",
        "its work does not depend on the log",
    )
    yield Defect(_lines(script.emptied), "it overwrites the log with >", "it appends to the log")
    folder = script.folder
    if folder is not None:
        before = [
            one.line for one in script.logs if one.line < folder.line and "\\" not in one.text and "/" not in one.text
        ]
        yield Defect(
            _lines(before),
            "the log before the change of folder is another file",
            "the log has one place, beside the configuration",
        )
        checked = any(check in (folder.line, folder.line + 1) for check in script.checks)
        yield Defect(
            (folder.line,) if not checked else (),
            "it does not notice a failed change of folder, and rotates all the same",
            "it needs no change of folder",
        )


def _of_the_values(script: Script) -> Iterator[Defect]:
    for line, name in dict.fromkeys(script.blanks):
        yield Defect((line,), f"there are blanks at the end of {name}, and cmd keeps them", "it removes them")
    yield Defect(
        _lines([one.line for one in script.traces if one.bare_variables]),
        "values are used without quotes: a blank splits the value, & ends the command",
        "no shell reads its values",
    )
    yield Defect(
        _lines(script.in_command_lines),
        "a password is on the command line, where others on the machine can read it",
        "the database's never is, and vcbsnapshot's need not be (config.js)",
    )

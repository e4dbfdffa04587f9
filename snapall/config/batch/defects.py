"""What a batch file does wrong, told from its text alone: each defect with its lines, and what snapall does instead."""

from __future__ import annotations

from collections.abc import Iterator

from snapall.config.batch.facts import Defect, QuiesceLoop, ReleaseLoop, Script, Snap, SnapshotQuery, VmQuery


def defects_of(script: Script) -> tuple[Defect, ...]:
    """The defects of this very file, those that cost backups first. For a file that was understood."""
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
            what = f"{name} is never set: where vcbsnapshot refuses a missing user no VM is quiesced"
            yield Defect((one.line,), what, "it takes the user of the release line, and says which VM was not quiesced")
    captures = [one.line for one in statements if isinstance(one, Snap) and one.verb == "create"]
    moves = [one.line for one in statements if isinstance(one, Snap) and one.verb != "create"]
    early = [line for line in moves if any(capture > line for capture in captures)]
    yield Defect(
        _lines(early),
        "the older backups are deleted and renamed before the new one exists: failed nights push good ones out",
        "it rotates only after the new backup was created and read back",
    )
    looks = [one.line for one in statements if isinstance(one, SnapshotQuery) and not one.limited_to]
    yield Defect(
        _lines(looks),
        "the query is not limited to the datastore: it removes snapshots of that name of others too",
        "it removes only what it made itself, by id",
    )
    yield Defect(
        _lines([one.line for one in statements if isinstance(one, VmQuery) and one.templates]),
        "templates are among the VMs that are asked for",
        "it leaves templates out",
    )


def _of_the_loops(script: Script) -> Iterator[Defect]:
    statements = script.statements
    loops = [one.line for one in statements if isinstance(one, QuiesceLoop | ReleaseLoop)]
    yield Defect(
        _lines(loops),
        "one VM after the other, without a time-out and without a lock, and error text in the list is taken for ids",
        "it has time-outs and a lock, reads numbers only, and takes several VMs at a time if vcenter.parallel says so",
    )
    yield Defect(
        _lines([one.line for one in statements if isinstance(one, ReleaseLoop)]),
        "a removal that fails is not tried again: the VM keeps its snapshot",
        "a journal keeps it as a debt, which recover and the next run settle",
    )
    gone = {said.text: said.line for said in script.deleted}
    stale = [
        one.line
        for one in statements
        if isinstance(one, VmQuery | SnapshotQuery)
        and one.out is not None
        and gone.get(one.out, one.line + 1) > one.line
    ]
    yield Defect(
        _lines(stale),
        "when the query fails, last night's list is used",
        "it keeps no lists, and nothing is changed when a query fails",
    )


def _of_the_results(script: Script) -> Iterator[Defect]:
    yield Defect(
        _lines(script.always),
        "`if errorlevel 0` is true after every error but a crash",
        "it looks at every result",
    )
    following = {trace.line: later.line for trace, later in zip(script.traces, script.traces[1:], strict=False)}
    unchecked = [
        trace.line
        for trace in script.traces
        if not any(trace.line <= check < following.get(trace.line, script.last + 1) for check in script.checks)
        or trace.program == "vcbsnapshot"
    ]
    yield Defect(
        _lines(unchecked),
        "the results are not looked at: the batch goes on after a failure, and the snapshot is taken all the same",
        "every call is done, refused or unknown; unknown is looked up, and a failed night leaves the chain as it was",
    )
    yield Defect(
        (script.last,) if not script.exits else (),
        "the exit code is that of the last command alone",
        "the exit code says how the whole night ended",
    )


def _of_the_log(script: Script) -> Iterator[Defect]:
    yield Defect(
        _lines([one.line for one in script.traces if one.program != "osql" and not one.logged]),
        "the output is not logged",
        "every answer is in the log",
    )
    yield Defect(
        _lines([one.line for one in script.traces if not one.errors_logged]),
        "the error output is not logged",
        "errors are in the log, with the VM or the snapshot and the remedy",
    )
    yield Defect(
        _lines([one.line for one in script.traces if one.program != "osql" and one.logged]),
        "when the log is held open by another program, the command itself is not run",
        "the work does not depend on the log",
    )
    yield Defect(_lines(script.emptied), "the log is begun anew with >", "it appends to the log")
    folder = script.folder
    if folder is not None:
        before = [
            one.line for one in script.logs if one.line < folder.line and "\\" not in one.text and "/" not in one.text
        ]
        yield Defect(
            _lines(before),
            "this is logged before the change of folder, into another file",
            "the log has one place, beside the configuration",
        )
        checked = any(check in (folder.line, folder.line + 1) for check in script.checks)
        yield Defect(
            (folder.line,) if not checked else (),
            "a change of folder that fails is not noticed, and the backups are rotated all the same",
            "it needs no change of folder",
        )


def _of_the_values(script: Script) -> Iterator[Defect]:
    for line, name in dict.fromkeys(script.blanks):
        yield Defect((line,), f"blanks stand at the end of {name}, and cmd keeps them", "they are left out")
    yield Defect(
        _lines([one.line for one in script.traces if one.bare_variables]),
        "values are used without quotes: a blank splits one, & cuts the command",
        "no shell reads its values",
    )
    yield Defect(
        _lines(script.in_command_lines),
        "a password stands in the command line, where others on the machine can read it",
        "the database's never does; vcbsnapshot's need not either (its config.js)",
    )

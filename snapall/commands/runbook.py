"""runbook: the commands that restore a backup by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import SnapallError


def runbook(
    job: options.JobName,
    snapshot: Annotated[
        str,
        typer.Argument(metavar="SNAPSHOT", help="A backup's name, or the stamp of its run. Default: the newest."),
    ] = "",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Save it as an HTML page, for printing.")
    ] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Print the commands that restore a backup by hand.

    For each VM: its LUNs with ids, serials and igroups, which disk is the consistent one, and every command, for the
    day when neither VirtualCenter nor snapall is there. Each run writes the same into the state folder. Of a backup
    whose run noted nothing, the LUNs are read now. Changes nothing.
    """
    from snapall.app.runbook import book_of_now, kept_book
    from snapall.backup.outfile import replace_content

    settings, (chosen,) = options.chosen(config, [job], secrets=False)
    book = kept_book(settings, chosen, snapshot)
    if book is None:
        settings, (chosen,) = options.chosen(config, [job])
        book = book_of_now(settings, chosen, snapshot)
    if as_json:
        from snapall.views.runbook import book_json

        options.emit(book_json(book.facts, book.present, book.proof, book.copies, book.blocks))
        return
    if html is None:
        typer.echo(book.text, nl=False)
        return
    try:
        replace_content(html, book.page.encode(), 0o600)
    except OSError as error:
        raise SnapallError(
            f"{html} cannot be written: {error.strerror}", "name another file with --html", "SA-1804"
        ) from error

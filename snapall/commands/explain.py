"""explain: what a message means."""

from __future__ import annotations

from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import ConfigError


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of a message: SA-1101, or 1101.")] = "",
    as_json: options.Json = False,
) -> None:
    """Explain a message by its code: its cause and its remedy.

    Without a code, lists all messages. Needs no configuration.
    """
    from snapall.views import explain as views

    found = views.explanations()
    if code:
        wanted = views.normal(code)
        found = [one for one in found if one.code == wanted]
        if not found:
            raise ConfigError(f"there is no message {code!r}", "run `snapall explain` for the list of codes", "SA-7015")
    if as_json:
        options.emit(views.explanations_json(found))
    elif code:
        options.emit(views.explanation_lines(found[0], options.width()))
    else:
        options.emit(views.code_lines(found, options.width()))

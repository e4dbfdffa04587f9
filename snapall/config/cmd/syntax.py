"""What a batch's text says: commands, blocks, conditions and loops, before any variable of `for` is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Redirection:
    """`>> log`, `2>&1`, `< nul`. `target` is a file's name as written, or the number of another handle."""

    handle: int
    sign: str  # "<", ">" or ">>"
    target: str | int


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its arguments: `text` has quotes, but no carets and no redirections any more."""

    text: str
    redirections: tuple[Redirection, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """Commands in parentheses."""

    body: tuple[Node, ...]
    redirections: tuple[Redirection, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Two commands with `&`, `&&`, `||` or `|` between them."""

    sign: str
    left: Node
    right: Node
    line: int


@dataclass(frozen=True, slots=True)
class Test:
    """A condition: `kind` is `==`, `equ` ... `geq`, `exist`, `defined` or `errorlevel`."""

    kind: str
    left: str
    right: str = ""
    negated: bool = False
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class If:
    """`if`, with what follows and what follows `else`."""

    test: Test
    then: Node
    otherwise: Node | None
    line: int


@dataclass(frozen=True, slots=True)
class For:
    """A loop: `kind` is "", "f" or "l"; `items` is the text between the parentheses after `in`."""

    kind: str
    options: str
    variable: str
    items: str
    body: Node
    line: int
    silent: bool = False  # an @ stands before the body: cmd does not show it, round by round


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment or a label."""

    line: int
    label: bool = False


Node = Simple | Block | Joined | If | For | Remark

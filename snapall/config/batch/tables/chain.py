"""One volume's deletes, renames and create -> its chain of names, newest first, which must be unbroken."""

from __future__ import annotations

from itertools import pairwise

from snapall.backup.model import chain_names
from snapall.config.batch.facts import ANY, Findings, Located, Snap
from snapall.config.batch.tables.sequences import PROPER

_KEY = ("jobs", ANY, "chain")
_REMEDY = "keep the chain unbroken: delete the oldest, rename each to the next, create the newest"


def chain_of(volume: str, moves: list[Snap], findings: Findings) -> tuple[Located, ...] | None:
    """Return the names, newest first, or None after recording each line that breaks the chain as a fault."""
    creates = [move for move in moves if move.verb == "create"]
    if not creates:
        findings.fault(moves[0].line, f"{volume} is rotated, but no snap create follows", PROPER, _KEY)
    for move in creates[1:]:
        findings.fault(move.line, f"a second snapshot of {volume} is created", "keep one snap create", _KEY)
    if len(creates) != 1:
        return None
    renames = {move.names[0].text: move for move in moves if move.verb == "rename"}
    chain, used = [creates[0].names[0]], list[Snap]()
    while chain[-1].text in renames and renames[chain[-1].text] not in used:
        used.append(renames[chain[-1].text])
        chain.append(used[-1].names[1])
    before = len(findings.faults)
    _check_names(chain, used, moves, findings)
    order = [*[move for move in moves if move.verb == "delete"][:1], *reversed(used)]
    if used and moves.index(creates[0]) < moves.index(used[0]):
        chain = chain[1:]  # the new backup has that name only until the others have made room
    else:
        order.append(creates[0])
    for earlier, after in pairwise(order):
        if moves.index(earlier) > moves.index(after):
            findings.fault(after.line, "this line comes before the one that makes room for it", _REMEDY, _KEY)
    return tuple(chain) if len(findings.faults) == before else None


def _check_names(chain: list[Located], used: list[Snap], moves: list[Snap], findings: Findings) -> None:
    names, oldest = " <- ".join(one.text for one in chain), chain[-1].text
    deletes = [move for move in moves if move.verb == "delete"]
    for move in moves:
        if move.verb == "rename" and move not in used:
            findings.fault(move.line, f"this rename does not fit into the chain {names}", _REMEDY, _KEY)
    for number, move in enumerate(deletes):
        if move.names[0].text != oldest or number:
            text = f"this delete does not fit: the oldest of the chain {names} is {oldest}"
            findings.fault(move.line, text, _REMEDY, _KEY)
    if not deletes:
        findings.fault(chain[0].line, f"nothing deletes {oldest}, the oldest of the chain {names}", _REMEDY, _KEY)
    if len({one.text.lower() for one in chain}) != len(chain):
        findings.fault(chain[0].line, f"the chain {names} repeats a name", _REMEDY, _KEY)


def naming(chain: tuple[Located, ...]) -> dict[str, object]:
    """Return the chain as a job's keys: `prefix` and `retain` for the default names, else `chain`."""
    names = tuple(one.text for one in chain)
    prefix = names[0].removesuffix("_recent")
    if prefix and prefix != names[0] and chain_names(prefix, len(names)) == names:
        return {"prefix": prefix, "retain": len(names)}
    return {"chain": list(names)}

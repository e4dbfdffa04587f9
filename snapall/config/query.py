"""Whether a job's `query` is one SELECT that only reads, as far as its text shows; the database has the last word.

Conservative: an unusual query that reads may be refused, so that one that changes something is. What stands in a text
or in a quoted name is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<name>"[^"]*"|\[[^\]]*\])"""
    r"""|(?P<word>[^\W\d][\w@$\#]*)|(?P<number>\d[\w.]*)|(?P<blank>\s+)|(?P<sign>.)""",
    re.DOTALL,
)
_CHANGING = re.compile(
    r"""ADD|ALTER|ANALYZE|ATTACH|BACKUP|BEGIN|BULK|CALL|CHECKPOINT|COMMIT|COPY|CREATE|DBCC|DEALLOCATE|DECLARE|DELETE|DENY
    |DETACH|DISABLE|DO|DROP|ENABLE|EXEC|EXECUTE|GO|GRANT|HOLDLOCK|IF|INSERT|INTO|KILL|LISTEN|LOCK|MERGE|NOTIFY
    |OPENDATASOURCE|OPENQUERY|OPENROWSET|PRAGMA|PRINT|RAISERROR|RECONFIGURE|REINDEX|RESTORE|RETURN|REVOKE|ROLLBACK|SAVE
    |SET|SHUTDOWN|TABLOCK|TABLOCKX|TRUNCATE|UPDATE|UPDATETEXT|UPDLOCK|USE|VACUUM|WAITFOR|WHILE|WRITETEXT|XLOCK""",
    re.VERBOSE,
)
_JOINING = {"UNION", "ALL", "DISTINCT", "EXCEPT", "INTERSECT", "MINUS"}


def query_fault(text: str) -> str:
    """Say what is wrong with a query, in words that follow the key; "" if nothing is."""
    return next(_faults(text), "")


def _faults(text: str) -> Iterator[str]:
    depth, before, glued, first = 0, "", "", True
    for hit in _TOKEN.finditer(text):
        kind, part = str(hit.lastgroup), hit[0]
        if part.startswith("/*!"):
            yield "must not hold /*! ... */, which some databases execute"
        if kind in {"blank", "comment"}:
            glued = ""
            continue
        word = part.upper() if kind == "word" else ""
        if first and word != "SELECT":
            yield "must begin with SELECT"
        if word == "SELECT" and depth == 0 and not first and before not in _JOINING:
            yield "holds a second SELECT: it must be one statement"
        yield from _faults_of(kind, part, word, glued)
        depth += {"(": 1, ")": -1}.get(part, 0)
        before, glued, first = word, word, False
    if depth:
        yield "has a parenthesis without its partner"


def _faults_of(kind: str, part: str, word: str, glued: str) -> Iterator[str]:
    if kind == "sign" and part in _REFUSED:
        yield _SIGNS.get(part, f"holds {part} outside of a text: write the query without it")
    if kind == "text" and glued not in {"", "N"}:
        yield f"holds {glued}'...': write texts as '...' or N'...'"
    if _CHANGING.fullmatch(word):
        yield f"holds {word}: it must be one SELECT that only reads; if this is a name, quote it"


_REFUSED = frozenset(";'\"[`$\\")
_SIGNS = {
    ";": "must be one statement, without a semicolon",
    "'": "has a text whose quotation mark is not closed",
    '"': "has a name whose quotation mark is not closed",
    "[": "has a name whose bracket is not closed",
}

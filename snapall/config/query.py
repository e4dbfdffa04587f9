"""Whether a job's `query` is one SELECT that only reads, as far as its text shows; the database has the last word.

Conservative: an unusual query that reads may be refused, so that one that changes something is. What stands in a text
or in a quoted name is not looked at. So a text, a name or a comment that one database ends elsewhere than another is
refused: behind it, this file and the database would differ on what is text and what is a statement.
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
    |DETACH|DISABLE|DO|DROP|DUMP|ENABLE|EXEC|EXECUTE|GO|GRANT|HOLDLOCK|IF|INSERT|INTO|KILL|LISTEN|LOAD|LOCK|MERGE
    |NOTIFY|OPENDATASOURCE|OPENQUERY|OPENROWSET|PRAGMA|PRINT|RAISERROR|RECEIVE|RECONFIGURE|REINDEX|RESTORE|RETURN|REVERT
    |REVOKE|ROLLBACK|SAVE|SEND|SET|SETUSER|SHARE|SHUTDOWN|TABLOCK|TABLOCKX|TRUNCATE|UPDATE|UPDATETEXT|UPDLOCK|USE|VACUUM
    |WAITFOR|WHILE|WRITETEXT|XLOCK
    |DBLINK\w*|LOAD_EXTENSION|LO_\w+|NEXTVAL|PG_\w+|SETVAL|SET_CONFIG|XP_\w+""",
    re.VERBOSE,
)
_ODD_BREAK = re.compile(r"[^\S\r\n\t ]|\r(?!\n)")
_ODD_NAME = re.compile(r"""\[.*?(['"$;\[]|--|/\*)""", re.DOTALL)
_JOINING = {"UNION", "ALL", "DISTINCT", "EXCEPT", "INTERSECT", "MINUS"}


def query_fault(text: str) -> str:
    """Say what is wrong with a query, in words that follow the key; "" if nothing is."""
    return next(_faults(text), "")


def _faults(text: str) -> Iterator[str]:
    depth, before, glued, first = 0, "", "", True
    for hit in _TOKEN.finditer(text):
        kind, part = str(hit.lastgroup), hit[0]
        following = text[hit.end() : hit.end() + 1]
        if kind == "comment":
            yield from _unclear_comment(part, following)
        if kind in {"blank", "comment"}:
            glued = ""
            continue
        word = part.upper() if kind == "word" else ""
        if first and word != "SELECT":
            yield "must begin with SELECT"
        if word == "SELECT" and depth == 0 and not first and before not in _JOINING:
            yield "holds a second SELECT: it must be one statement"
        yield from _faults_of(kind, part, word, glued)
        yield from _unclear(kind, part, following)
        depth += {"(": 1, ")": -1}.get(part, 0)
        before, glued, first = word, word, False
    if depth:
        yield "has a parenthesis without its partner"


def _unclear_comment(part: str, following: str) -> Iterator[str]:
    if part.startswith("/*!"):
        yield "must not hold /*! ... */, which some databases execute"
    if part.find("/*", 2) > 0 or _ODD_BREAK.search(part + following):
        yield "holds a comment in a comment, or one with an unusual line break: leave it out"


def _unclear(kind: str, part: str, following: str) -> Iterator[str]:
    """What one database takes to end here, and another elsewhere."""
    if kind == "text" and "\\" in part:
        yield "has a backslash in a text, which some databases end elsewhere: write CHAR(92), or _ in a LIKE"
    if kind == "name" and part.startswith("[") and (_ODD_NAME.match(part) or following == "]"):
        yield f"has the name {part}, which some databases end elsewhere: write it in double quotation marks"
    if kind == "word" and "$" in part:
        yield f"holds {part}, and some databases begin a text with $: write it in double quotation marks"


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

"""cmd while it reads a batch file: what `set` assigns, and what a word means where it is used."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snapall.config.batch.contents import Located, Script
from snapall.config.batch.lines import Word
from snapall.config.tomlfile import KeyPath

_SIGNS = re.compile(r"[&|<>^]")
_SECRET_NAME = re.compile(r"p(ass)?w(or)?d|pass|secret|kennw|pwd|pword", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLACEHOLDER = "the placeholder was not replaced"
_OVERLAY = "or set the value in the overlay file"
_UNREADABLE = re.compile(r"[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Value:
    """A variable's value. `guarded`: quotes belong to the value. `bad`: why it cannot be used."""

    name: str
    text: str
    line: int
    guarded: bool = False
    bad: str = ""


def parts(text: str) -> list[tuple[str, str]]:
    """A text as cmd's percent signs part it: ("text", ...), ("name", ...) or ("bad", why)."""
    found: list[tuple[str, str]] = []
    for hit in re.finditer(r"%%|%(?P<arg>[~0-9*][^%\s\"]*)|%(?P<name>[^%]+)%|%|[^%]+", text):
        if hit[0] == "%%":
            found.append(("text", "%"))
        elif hit["arg"] is not None:
            found.append(("bad", "it takes an argument of the batch (% and a digit), which snapall does not know"))
        elif hit["name"] is not None and ":" in hit["name"]:
            found.append(("bad", "it cuts or changes a variable (%name:...%)"))
        elif hit["name"] is not None:
            found.append(("name", hit["name"]))
        elif hit[0] == "%":
            found.append(("bad", "it contains a single %, which cmd removes"))
        else:
            found.append(("text", hit[0]))
    return found


class Shell:
    """cmd at one `line` of the batch, with the variables so far. Case makes no difference to a name."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.line = 0
        self._values: dict[str, Value] = {}
        self._outer: list[dict[str, Value]] = []

    def fault(self, text: str, remedy: str, *keys: KeyPath) -> None:
        """Record that the line cannot be imported."""
        self.script.fault(self.line, text, remedy, *keys)

    def open(self) -> None:
        """Save the variables for `close`: setlocal."""
        self._outer.append(dict(self._values))

    def close(self) -> None:
        """Restore the variables saved by `open`: endlocal."""
        if self._outer:
            self._values = self._outer.pop()

    def set(self, rest: str) -> None:
        """Read what follows `set`."""
        if re.match(r"/[ap]\b", rest, re.IGNORECASE):
            self.fault("set /a and set /p compute a value or ask for one", "write the value itself")
            return
        quoted = rest.startswith('"')
        body = rest[1:].rstrip() if quoted else rest
        if quoted:
            head, closing, tail = body.rpartition('"')
            body = head if closing else body
            if tail and closing:
                self.fault("something follows the closing quote of set", 'write set "NAME=VALUE"')
                return
        name, equals, text = body.partition("=")
        if not equals:
            return  # it shows variables
        self._remember(name, text)
        if name != name.strip():
            text = "there is a blank before the = of set, and cmd makes it part of the name"
            self.fault(text, "write set NAME=VALUE without blanks around the =")
            return
        if re.search(r"&\s*set\b", text, re.IGNORECASE) and not quoted:
            self.fault("there are two commands on one line", "give each set a line of its own")
        self._values[name.lower()] = self._value(name, text, quoted)

    def _remember(self, name: str, text: str) -> None:
        if _SECRET_NAME.search(name):
            self.script.secrets |= {text.strip(), text.strip().strip('"'), text.replace("%%", "%").strip()}

    def _value(self, name: str, text: str, quoted: bool) -> Value:
        inner = text.strip()
        guarded = not quoted and len(inner) > 1 and inner[0] == inner[-1] == '"'
        core = inner[1:-1] if guarded else text
        whole, bad = "", ""
        for kind, part in parts(core):
            known = self._values.get(part.lower()) if kind == "name" else None
            if kind == "bad":
                bad = bad or part
            elif kind == "text":
                whole += part
            elif known is None:
                bad = bad or f"it uses %{_shown_name(part)}%, which nothing in this file sets"
            else:
                bad = bad or known.bad
                guarded = guarded or (known.guarded and core.strip() == f"%{part}%")
                whole += known.text
        if '"' in core:
            bad = bad or "it contains a quote"
        sign = _SIGNS.search(core) if not (quoted or guarded) else None
        if sign is not None:
            does = "removes it" if sign[0] == "^" else "cuts the command there"
            bad = bad or f"it contains an unquoted {sign[0]}, and cmd {does}"
        return Value(name, whole, self.line, guarded, bad)

    def unset(self, word: Word | None) -> str:
        """The name, if the word is nothing but one variable that is not set; else ""."""
        match parts(word.text) if word is not None else []:
            case [("name", name)] if name.lower() not in self._values:
                return _shown_name(name)
        return ""

    def use(self, word: Word | None, what: str, *keys: KeyPath, secret: bool = False) -> Located | None:
        """Resolve a word, if there is one, as an argument; None, with a fault, if its meaning is uncertain."""
        if word is None:
            return None
        text, origin = "", self.line
        remedy = "write it out" if not keys else f"write it out, {_OVERLAY}"
        for piece, quoted in word.pieces:
            for kind, part in parts(piece):
                value = self._values.get(part.lower()) if kind == "name" else None
                why = part if kind == "bad" else ""
                if kind == "name" and value is None:
                    why = f"%{_shown_name(part)}% is never set above"
                if why:
                    self.fault(f"{what}: {why}", remedy, *keys)
                    return None
                if value is not None and not self._usable(value, quoted, secret, *keys):
                    return None
                origin = value.line if value is not None and word.text.lower() == f"%{part}%".lower() else origin
                text += value.text.strip() if value is not None else part
        if secret:
            self.script.secrets.add(text)
        delayed = re.search(r"!([A-Za-z_][A-Za-z0-9_]*)!", text)
        if delayed is not None and delayed[1].lower() in self._values:
            why = f"!{_shown_name(delayed[1])}! is a variable only under delayed expansion, which is off here"
            self.fault(f"{what}: {why}", f"write %{_shown_name(delayed[1])}%", *keys)
            return None
        if _before_a_quote(word, text):
            self.fault(f"{what}: a backslash before a quote changes the quote", remedy, *keys)
            return None
        return self._fit(Located(text, origin), what, *keys)

    def _usable(self, value: Value, quoted: bool, secret: bool, *keys: KeyPath) -> bool:
        """Whether a variable's value can be used here; if not, the reason is among the faults."""
        why = _unusable(value, quoted, secret)
        if why:
            remedy = 'write set "NAME=VALUE", and "%NAME%" in quotes where it is used'
            remedy = "write the value in its place" if why == _PLACEHOLDER else remedy
            remedy += f", {_OVERLAY}" if keys else ""
            self.script.fault(value.line, f"{_shown_name(value.name)}: {why}", remedy, *keys)
        elif value.text != value.text.strip():
            self.script.blanks.append((value.line, _shown_name(value.name)))
        return not why

    def _fit(self, value: Located, what: str, *keys: KeyPath) -> Located | None:
        """Return the value, unless no configuration could hold it."""
        if _UNREADABLE.search(value.text):
            text = f"{what}: it contains a letter outside ASCII, which code pages 437 and 1252 read differently"
            self.script.fault(value.line, text, "save the file as UTF-8, or set the value in the overlay file", *keys)
            return None
        if _CONTROL.search(value.text):
            self.script.fault(value.line, f"{what}: it contains a control character", "remove it", *keys)
            return None
        if not value.text:
            self.script.fault(value.line, f"{what} is empty", f"fill it in, {_OVERLAY}", *keys)
            return None
        return value


def _before_a_quote(word: Word, text: str) -> bool:
    """Whether the program would take a quote for a part of the word: \\" is one to the C library of Windows."""
    last = len(word.pieces) - 1
    cut = any(piece.endswith("\\") and (quoted or number < last) for number, (piece, quoted) in enumerate(word.pieces))
    return cut or (text.endswith("\\") and (bool(word.pieces) and (word.pieces[-1][1] or "%" in word.text)))


def _unusable(value: Value, quoted: bool, secret: bool) -> str:
    """Why a variable's value cannot be taken where it stands; "" if it can."""
    if value.bad:
        return f"the value cannot be taken: {value.bad}"
    if re.match(r"\s*replace\b.*\btext\b", value.text, re.IGNORECASE):
        return _PLACEHOLDER
    if quoted and value.guarded:
        return "the value has quotes of its own and is used in quotes"
    if value.guarded or (quoted and value.text == value.text.strip()):
        return ""
    if quoted:
        return "the password begins or ends with a blank, which may or may not be part of it" if secret else ""
    sign = _SIGNS.search(value.text)
    if sign is not None:
        return f"the value has a {sign[0]} and is used without quotes, so cmd cuts or changes it"
    if len(value.text.split()) > 1:
        return "the value has a blank and is used without quotes, so cmd splits it in two"
    return ""


def _shown_name(name: str) -> str:
    """Return a variable's name if it looks like one; otherwise it may be part of a password."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,40}", name) else "..."

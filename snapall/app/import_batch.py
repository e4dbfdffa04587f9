"""`snapall import`: writes the snapall.toml that matches an old batch file, and reports what the batch does wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from snapall.app.compare import Compared, compare
from snapall.config.batch.source import overlay_of, source_of
from snapall.config.dburl import url_of
from snapall.config.load import from_batch
from snapall.config.newfile import TablePath, require_toml, text_of, write_new
from snapall.config.paths import expanded
from snapall.config.secret import Secret
from snapall.config.settings import Config
from snapall.errors import ConfigError
from snapall.views.columns import indented
from snapall.views.compared import compared_lines, notice_lines
from snapall.views.json_root import root

if TYPE_CHECKING:
    from snapall.config.batch.facts import Defect, Notice
    from snapall.config.batch.source import BatchSource

Kept = Literal["file", "env"]
_PATHS = ("key_file", "known_hosts")


@dataclass(frozen=True, slots=True)
class PasswordPlace:
    """Where one password of the batch goes: its key, and the file or the variable that will hold it."""

    key: tuple[str, ...]
    name: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written, where snapall now reads each password, and the batch's defects."""

    batch: Path
    written: tuple[Path, ...]
    places: tuple[PasswordPlace, ...]
    missing: tuple[PasswordPlace, ...]
    kept: Kept
    defects: tuple[Defect, ...]
    notices: tuple[Notice, ...]
    compared: tuple[Compared, ...]

    def lines(self, width: int = 0) -> Iterator[str]:
        """Yield the lines for a person; `width` 0: nothing is wrapped."""
        for line in self._lines(width):
            yield from indented(line, width)

    def _lines(self, width: int) -> Iterator[str]:
        for path in self.written:
            yield f"wrote {path}"
        yield ""
        yield f"What {self.batch.name} does wrong, and what snapall does instead:"
        for defect in self.defects:
            yield f"  {numbered(defect.lines)}: {defect.what}"
            yield f"      snapall: {defect.instead}"
        if self.notices:
            yield ""
            yield from notice_lines(self.batch.name, self.notices, width)
        for one in self.compared:
            yield ""
            yield from compared_lines(self.batch.name, one.job, one.rows, width)
        yield ""
        yield "What to do next:"
        for number, line in enumerate(self.next_steps(), 1):
            yield f"  {number}. {line}"

    def next_steps(self) -> list[str]:
        """Return the steps that are left, in order."""
        config, place = self.written[0], "variable" if self.kept == "env" else "file"
        steps = [f"put the password of {'.'.join(one.key)} into the {place} {one.name}" for one in self.missing]
        if self.kept == "env" and self.places:
            steps.append(
                "consider files instead (--secrets file): `snapall recover` at boot needs the passwords too, and "
                "seldom has these variables"
            )
        return [
            *steps,
            f"snapall plan --config {config}: see what a run would do (it changes nothing)",
            f"snapall run --config {config}: take the first backup",
            f"snapall schedule --install --config {config}: schedule the backup, and recover at boot",
            f"remove {self.batch.name} from its own schedule",
        ]

    def as_json(self) -> dict[str, object]:
        """Return the JSON for a program."""
        return root(
            written=[str(path) for path in self.written],
            secrets=[
                {"key": ".".join(one.key), self.kept: one.name, "missing": one in self.missing} for one in self.places
            ],
            defects=[{"lines": list(one.lines), "what": one.what, "instead": one.instead} for one in self.defects],
            notices=[{"line": one.line, "what": one.text, "remedy": one.remedy} for one in self.notices],
            compared=[{"job": one.job, "rows": [asdict(row) for row in one.rows]} for one in self.compared],
            next=self.next_steps(),
        )


def numbered(lines: tuple[int, ...]) -> str:
    """Return `line 35`, or `lines 22, 24, 26`."""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"


def write(
    batch: Path,
    out: Path | None,
    kept: Kept,
    *,
    with_secrets: bool,
    environ: Mapping[str, str],
    arguments: str = "",
) -> Imported:
    """Write the configuration, and the password files if asked. ConfigError: errors in the batch, or a file exists.

    `arguments`: what the batch is scheduled with, as on its command line; "": what the overlay says.
    """
    batch = batch.absolute()
    if batch.suffix.lower() not in (".bat", ".cmd"):
        raise ConfigError(
            f"{batch}: is not a .bat or .cmd file", "name the batch file that takes the backups today", "SA-7007"
        )
    if with_secrets and kept == "env":
        raise ConfigError("--write-secrets and --secrets env contradict each other", "leave out one of them", "SA-7007")
    source = source_of(batch, arguments)
    config = from_batch(source, environ)
    out = (batch.with_name("snapall.toml") if out is None else out).absolute()
    require_toml(out)
    folder = out.parent
    places = tuple(_places(config, kept))
    files = [(folder / one.name, f"{one.secret.reveal()}\n", 0o600) for one in places if with_secrets]
    text = _text(source, config, {one.key: {kept: one.name} for one in places}, folder)
    hooks = any(one.before or one.after or one.on_failure for one in config.hooks.values())  # any word may be secret
    mode = 0o600 if hooks or url_of(config.database.url).password_in_options else 0o644
    write_new([*files, (out, text, mode)])
    missing = (one for one in places if not (one.name in environ if kept == "env" else (folder / one.name).exists()))
    written = (out, *(path for path, _, _ in files))
    both = compare(source.batch, config, tuple(config.jobs.values()))
    return Imported(batch, written, places, tuple(missing), kept, source.batch.defects, source.batch.notices, both)


def _places(config: Config, kept: Kept) -> Iterator[PasswordPlace]:
    """Find the passwords that the batch or its overlay contains in plain text."""
    database = url_of(config.database.url).password or config.database.password
    found: list[tuple[tuple[str, ...], str, str, Secret | None]] = [
        (("vcenter", "password"), "vc.secret", "VCPWORD", config.vcenter.password),
        (("database", "password"), "sql.secret", "SQLPWORD", database),
    ]
    for name, filer in config.filers.items():
        variable = re.sub("[^A-Za-z0-9]", "_", name).upper()
        found.append((("filers", name, "password"), f"filer-{name}.secret", f"FILERPWORD_{variable}", filer.password))
    for key, file, variable, secret in found:
        if secret is not None and secret.inline:
            yield PasswordPlace(key, file if kept == "file" else variable, secret)


def _cleared(config: Config) -> dict[TablePath, object]:
    """Return the values that lose a password which now has a place of its own."""
    cleared: dict[TablePath, object] = {("database", "url"): url_of(config.database.url).without_password}
    return cleared | {("filers", name, "user"): filer.user for name, filer in config.filers.items()}


def _at(table: object, key: tuple[str, ...]) -> object:
    for part in key:
        table = table.get(part) if isinstance(table, Mapping) else None
    return table


def _text(source: BatchSource, config: Config, secrets: Mapping[TablePath, object], folder: Path) -> str:
    """Return the file's text. Relative paths stay as they are unless the file is in another folder than the batch."""
    overlay, raw = overlay_of(source.path), source.batch.table
    what = f"{source.path.name} and {overlay.name}" if source.overlay else source.path.name
    moved = folder != source.path.parent
    top: dict[str, object] = {"state": "snapall.state", "log": "snapall.log"}
    top |= {key: value for key, value in raw.items() if not isinstance(value, Mapping)}
    if moved:
        top |= {"state": str(config.state), "log": str(config.log)}
    tables: dict[TablePath, dict[str, object]] = {(): top}
    cleared = _cleared(config)
    for path, table in _tables(raw):
        tables[path] = {
            key: cleared.get((*path, key), _moved(key, value, source.path.parent, moved))
            for key, value in table.items()
        }
    for (*above, key), place in secrets.items():
        tables[tuple(above)][key] = place
    head = f"Imported from {what}. Relative paths are relative to this file."
    return text_of(tables, head, lambda path: _comment(path, source))


def _tables(raw: Mapping[str, object]) -> Iterator[tuple[TablePath, Mapping[str, object]]]:
    for key, value in raw.items():
        if isinstance(value, Mapping) and key in ("filers", "jobs"):
            yield from (((key, name), table) for name, table in value.items())
        elif isinstance(value, Mapping):
            yield (key,), value


def _moved(key: str, value: object, folder: Path, moved: bool) -> object:
    """Return a path as the new folder needs it."""
    match value:
        case {"file": str(name)} if moved:
            return {"file": str(folder / expanded(name, os.environ))}
        case str() if moved and key in _PATHS:
            return str(folder / expanded(value, os.environ))
        case _:
            return value


_COMMENTS = {
    "log_date": "how {date} in the log's name is written: the date on which a run starts",
    "parallel": "calls at a time; 1 is the batch's pace, 4 is snapall's own default",
    "order": 'or "paper": rotate before the capture, as the original batch does',
    "vm_snapshot": "the VM snapshots' name; a run adds its time to it",
    "owner": "the schema that owns the VPX_ tables",
    "transport": 'or "ssh", which is safer',
}


def _comment(path: TablePath, source: BatchSource) -> str:
    """Return where a key comes from, and what it means."""
    line = source.batch.lines.get(path)
    overlaid = _at(source.overlay, path) is not None
    origin = overlay_of(source.path).name if overlaid else f"line {line}" if line is not None else ""
    return "; ".join(part for part in (origin, _COMMENTS.get(path[-1], "")) if part)

"""The schedulers of this machine: cron, systemd, and the Task Scheduler of Windows. Their files and programs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from snapall.errors import SiteError, reason_of
from snapall.site import tool

_UNITS = Path("/etc/systemd/system")
_OTHER_UNITS = (Path("/run/systemd/system"), Path("/usr/local/lib/systemd/system"), Path("/usr/lib/systemd/system"))
_CRONTAB, _CRON_D = Path("/etc/crontab"), Path("/etc/cron.d")


def has_systemd() -> bool:
    """Whether systemd runs this machine: sd_booted(3)."""
    return Path("/run/systemd/system").is_dir()


def unit_folders() -> tuple[Path, ...]:
    """Where systemd looks for units, the administrator's folder first; SYSTEMD_UNIT_PATH as systemctl(1) has it."""
    given = [Path(one) for one in os.environ.get("SYSTEMD_UNIT_PATH", "").split(":") if one]
    return tuple(given) or (_UNITS, *_OTHER_UNITS)


def units() -> tuple[dict[str, str], frozenset[str]]:
    """The texts of the services and timers, and the names of those that are enabled, by the links to them."""
    texts: dict[str, str] = {}
    enabled: set[str] = set()
    for folder in unit_folders():
        for kind in ("service", "timer"):
            for path in _listed(folder, f"*.{kind}"):
                texts.setdefault(path.name, _text(path))
        enabled |= {path.name for pattern in ("*.wants/*", "*.requires/*") for path in _listed(folder, pattern)}
    return texts, frozenset(enabled)


def system_crontabs() -> dict[str, str]:
    """/etc/crontab and /etc/cron.d, as far as this user can read them."""
    return {str(path): text for path in (_CRONTAB, *_listed(_CRON_D, "*")) if (text := _text(path))}


def crontab(user: str, withheld: Collection[str]) -> bytes:
    """The crontab of a user, "" for one's own. SiteError: it cannot be read, which is not the same as having none.

    `withheld`, here and below: variables with passwords, which no program gets.
    """
    answer = tool.ask(("crontab", *_of(user), "-l"), withheld=withheld)
    if answer.code == 0:
        return answer.stdout
    if not answer.stdout and "no crontab" in answer.said:
        return b""
    raise SiteError(
        f"`crontab -l` failed, so the crontab is not touched: {answer.said}",
        "run `crontab -l` by hand to see why; or add the lines that `snapall schedule --for cron` prints",
        "SA-1967",
    )


def crontab_command(user: str) -> tuple[str, ...]:
    """The command that takes a whole crontab from its stdin."""
    return ("crontab", *_of(user), "-")


def _of(user: str) -> tuple[str, ...]:
    return ("-u", user) if user else ()


def has_crontab() -> bool:
    """Whether there is such a program."""
    return shutil.which("crontab") is not None


def tasks(withheld: Collection[str]) -> str:
    """Every task of Windows as XML. SiteError: the Task Scheduler does not list them."""
    answer = tool.ask(("schtasks", "/Query", "/XML"), withheld=withheld)
    if answer.code != 0:
        raise SiteError(
            f"`schtasks /Query /XML` failed: {answer.said}",
            "run it by hand to see why it fails",
            "SA-1968",
        )
    return tool.decoded(answer.stdout)


def task(name: str, withheld: Collection[str]) -> str:
    """One task as XML; "" if there is none of this name. SiteError: schtasks cannot be started."""
    answer = tool.ask(("schtasks", "/Query", "/TN", name, "/XML"), withheld=withheld)
    return tool.decoded(answer.stdout) if answer.code == 0 else ""


def write(folder: Path, documents: Mapping[str, str]) -> None:
    """Write files for everybody to read, each of them whole or not at all. SiteError: one cannot be written."""
    for name, text in documents.items():
        path = folder / name
        new = path.with_name(f".{name}.new")
        try:
            new.unlink(missing_ok=True)
            with new.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            new.chmod(0o644)
            new.replace(path)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise SiteError(
                f"{path} cannot be written: {reason_of(error)}",
                "run `snapall schedule` as root, or as an administrator; name another folder with --out",
                "SA-1963",
            ) from error


def run(argv: tuple[str, ...], documents: Mapping[str, str], given: bytes, withheld: Collection[str]) -> None:
    """Run a scheduler's program in a private folder that has these documents. SiteError: it did not do its work."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), documents)
        answer = tool.ask(argv, given, Path(name), withheld)
    if answer.code != 0:
        raise SiteError(
            f"`{' '.join(argv)}` failed (exit code {answer.code}): {answer.said}",
            'run `snapall schedule --install` as root; on Windows, from a prompt opened with "Run as administrator"',
            "SA-1965",
        )


def _listed(folder: Path, pattern: str) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.glob(pattern))
    return []


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""

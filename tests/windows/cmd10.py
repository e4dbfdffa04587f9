"""Wine 10's cmd.exe, put into the prefix of an older Wine, which lacks much of the language.

`python -m tests.windows.cmd10 PREFIX`. Debian 12's Wine 8 always runs `&&`, runs `||` after success, and does not end a
loop at `goto`. The programs of Debian 13's package run under it, once they no longer say that they are Wine's own.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

PROGRAMS = ("cmd.exe", "find.exe", "findstr.exe", "sort.exe")
OVERRIDES = f"{','.join(PROGRAMS)}=n"  # WINEDLLOVERRIDES: take the files in system32, not Wine's own
SUITE = "trixie"
MARK = b"Wine builtin DLL"
LIMIT = 600  # seconds for a download
_SOURCES = Path("/etc/apt")


def install(prefix: Path) -> None:
    """Put the programs into the prefix; it needs apt and Debian's package sources. Does nothing where they are.

    Raises subprocess.CalledProcessError; apt has then printed the cause.
    """
    system = prefix / "drive_c" / "windows" / "system32"
    if all(_is_native(system / name) for name in PROGRAMS):
        return
    with TemporaryDirectory() as name:
        for program in _unpacked(Path(name)):
            there = system / program.name
            there.unlink(missing_ok=True)  # a link into Wine's own folder, maybe
            there.write_bytes(without_mark(program.read_bytes()))


def without_mark(program: bytes) -> bytes:
    """The program without the mark by which Wine looks for its own file instead."""
    return program.replace(MARK, bytes(len(MARK)))


def newer(sources: str, suite: str) -> Iterator[str]:
    """The package sources of `suite` in a sources list of either format, as one-line entries for SUITE."""
    for stanza in re.split(r"\n\s*\n", sources):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
        if suite in fields.get("Suites", "").split():
            signed = f" [signed-by={fields['Signed-By']}]" if "Signed-By" in fields else ""
            yield f"deb{signed} {fields['URIs'].split()[0]} {SUITE} main"
    for options, uri in re.findall(rf"^deb\s+(\[.*?\]\s+)?(\S+)\s+{suite}\s+.*\bmain\b", sources, re.MULTILINE):
        yield f"deb {options}{uri} {SUITE} main"


def _is_native(program: Path) -> bool:
    return program.is_file() and MARK not in program.read_bytes()


def _unpacked(folder: Path) -> list[Path]:
    """Download the package with a state of its own, so that the machine's apt notices nothing; its programs."""
    (folder / "sources.list").write_text("\n".join(_machines_sources()) + "\n", encoding="utf-8")
    for missing in ("lists/partial", "cache/archives/partial"):
        (folder / missing).mkdir(parents=True)
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": folder / "none",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    apt = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items())]
    for command in ([*apt, "update"], [*apt, "download", "libwine:amd64"]):
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT)
    (package,) = folder.glob("libwine_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder / "root")], check=True, timeout=LIMIT)
    (programs,) = (folder / "root").glob("usr/lib/*/wine/x86_64-windows")
    return [programs / name for name in PROGRAMS]


def _machines_sources() -> list[str]:
    """The machine's own sources of Debian, for the newer suite."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    (suite,) = re.findall(r"^VERSION_CODENAME=(\w+)$", release, re.MULTILINE)
    files = [_SOURCES / "sources.list", *sorted((_SOURCES / "sources.list.d").glob("*"))]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    found = list(dict.fromkeys(line for text in texts for line in newer(text, suite)))
    if not found:
        raise FileNotFoundError(f"no package source for {suite} in {_SOURCES}")
    return found


if __name__ == "__main__":
    install(Path(sys.argv[1]))

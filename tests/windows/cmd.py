"""Puts the cmd.exe of Wine 10 into a prefix of Wine 8: the older one gets `&&`, `goto` in blocks and more wrong.

Debian 12 has Wine 8 alone. The programs come out of Debian 13's package of libwine, from the mirror that this machine
uses already; the whole of that package does not start here.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

PROGRAMS = ("cmd", "find", "findstr", "sort")
MARK = b"Wine builtin DLL"
"""What a program has that Wine replaces by its own."""


def put_cmd(prefix: Path, scratch: Path) -> None:
    """Fetch the programs and put them into the prefix."""
    package = _fetch(scratch)
    subprocess.run(["dpkg-deb", "-x", package, scratch / "unpacked"], check=True)
    found = next((scratch / "unpacked").rglob("x86_64-windows"))
    for name in PROGRAMS:
        program = prefix / "drive_c" / "windows" / "system32" / f"{name}.exe"
        program.unlink(missing_ok=True)
        program.write_bytes((found / f"{name}.exe").read_bytes().replace(MARK, bytes(len(MARK))))


def _fetch(scratch: Path) -> Path:
    """Download the package, with apt's lists and cache in the scratch folder; the machine's own stay as they are."""
    (scratch / "sources").mkdir(parents=True)
    for name in ("lists/partial", "cache/archives/partial"):
        (scratch / name).mkdir(parents=True)
    (scratch / "sources" / "next.sources").write_text(next_release(sources()))
    options = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": scratch / "sources",
        "Dir::State::lists": scratch / "lists",
        "Dir::Cache": scratch / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    quiet = {**os.environ, "LC_ALL": "C"}
    subprocess.run([*apt, "update"], cwd=scratch, env=quiet, check=True)
    subprocess.run([*apt, "download", "libwine"], cwd=scratch, env=quiet, check=True)
    return next(scratch.glob("libwine_*.deb"))


def sources() -> str:
    """The machine's sources of packages, in either format of apt."""
    folder = Path("/etc/apt")
    paths = [*sorted((folder / "sources.list.d").glob("*.sources")), folder / "sources.list"]
    paths += sorted((folder / "sources.list.d").glob("*.list"))
    return "\n\n".join(path.read_text() for path in paths if path.exists())


def next_release(text: str) -> str:
    """The sources of Debian 12 itself, made those of Debian 13."""
    stanzas = [one for one in re.split(r"\n\s*\n", text) if re.search(r"^Suites:.*\bbookworm(\s|$)", one, re.MULTILINE)]
    lines = re.findall(r"^deb\s+(\[.*?\]\s+)?(\S+)\s+bookworm\s+(.+)$", text, re.MULTILINE)
    for options, address, components in lines:
        signed = re.search(r"signed-by=(\S+?)[\],\s]", options)
        stanza = f"Types: deb\nURIs: {address}\nSuites: bookworm\nComponents: {components}"
        stanzas.append(stanza + (f"\nSigned-By: {signed[1]}" if signed else ""))
    return "\n\n".join(re.sub(r"^Suites:.*$", "Suites: trixie", one, flags=re.MULTILINE) for one in stanzas) + "\n"

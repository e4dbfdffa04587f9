"""Stand-ins for crontab, systemctl and schtasks: programs that keep what they are given in a folder."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

_PROGRAM = """\
#!{python}
import os, shutil, sys
from pathlib import Path
here = Path({here!r})
name, words = {name!r}, sys.argv[1:]
with (here / "asked").open("a") as asked:
    print(name, *words, file=asked)
(here / "environment").write_text(repr(dict(os.environ)))
if (here / f"{{name}} fails").exists():
    sys.exit((here / f"{{name}} fails").read_text())
kept = here / "crontab"
if name == "crontab" and words[-1] == "-l":
    if not kept.exists():
        sys.exit("no crontab for me")
    sys.stdout.buffer.write(kept.read_bytes())
elif name == "crontab":
    kept.write_bytes(sys.stdin.buffer.read())
elif name == "systemctl" and words[0] == "enable":
    for unit in words[1:]:
        link = here / "units" / ("timers" if unit.endswith("timer") else "multi-user")
        link = link.with_name(link.name + ".target.wants")
        link.mkdir(exist_ok=True)
        (link / unit).touch()
elif name == "schtasks" and words[0] == "/Create":
    task = here / "tasks" / words[words.index("/TN") + 1]
    task.parent.mkdir(exist_ok=True)
    shutil.copy(words[words.index("/XML") + 1], task)
elif name == "schtasks":
    wanted = words[words.index("/TN") + 1] if "/TN" in words else ""
    tasks = [one for one in sorted((here / "tasks").glob("*")) if wanted in ("", one.name)]
    for one in tasks:
        print("" if wanted else f"<!-- \\\\{{one.name}} -->")
        print(one.read_text())
    sys.exit(0 if tasks or not wanted else "ERROR: The system cannot find the file specified.")
"""


@dataclass(frozen=True, slots=True)
class Schedulers:
    """The stand-ins' folder."""

    here: Path

    @property
    def units(self) -> Path:
        """systemd's folder."""
        return self.here / "units"

    @property
    def crontab(self) -> Path:
        return self.here / "crontab"

    def task(self, name: str) -> Path:
        return self.here / "tasks" / name

    @property
    def asked(self) -> list[str]:
        """The commands that the stand-ins were given."""
        return (self.here / "asked").read_text().splitlines() if (self.here / "asked").exists() else []

    def fail(self, name: str, text: str) -> None:
        """Let a program fail with this text from now on."""
        (self.here / f"{name} fails").write_text(text)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Schedulers:
    """Put the stand-ins before this machine's own programs."""
    here = folder / "schedulers"
    (here / "bin").mkdir(parents=True)
    (here / "units").mkdir()
    for name in ("crontab", "systemctl", "schtasks"):
        program = here / "bin" / name
        program.write_text(_PROGRAM.format(python=sys.executable, here=str(here), name=name))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(here / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("SYSTEMD_UNIT_PATH", str(here / "units"))
    return Schedulers(here)

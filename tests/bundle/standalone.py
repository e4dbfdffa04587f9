"""Tries a stand-alone program without any Python on its PATH: `python -m tests.bundle.standalone PROGRAM FOLDER`.

It takes the demo's backup; its guardian releases the VMs of a run that is killed; it reaches the ODBC driver manager;
it writes out its documents.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from snapall.lab.world import World
from tests.bundle.checks import require_backup, require_documents
from tests.waiting import PATIENCE, until

SOURCE_MISSING = re.compile(r"SA-2104 .*the ODBC data source is missing: .*Driver Manager")


def tried(program: Path, folder: Path) -> None:
    """Try all of it, with files in a new folder. RuntimeError, AssertionError: what is wrong."""
    environ = bare(os.environ)
    folder.mkdir(parents=True)
    require_backup(printed(program, environ, "demo", "--fast"))
    release_after_a_kill(program, folder / "lab", environ)
    settings = folder / "lab" / "snapall.toml"
    text = re.sub(r"^url .*$", 'url = "mssql+pyodbc://vc_user@NoSuchSource"', settings.read_text(), flags=re.MULTILINE)
    (folder / "lab" / "odbc.toml").write_text(text)
    said = printed(program, environ, "datastores", "--config", str(folder / "lab" / "odbc.toml"), code=1)
    if SOURCE_MISSING.search(said) is None:
        raise RuntimeError(f"the driver manager was not reached:\n{said}")
    for words in (("explain", "SA-1980"), ("schema",)):  # these print files of the package
        printed(program, environ, *words)
    printed(program, environ, "docs", str(folder / "docs"))
    require_documents(folder / "docs")


def bare(environ: Mapping[str, str]) -> dict[str, str]:
    """This environment without what leads to a Python."""
    kept = {name: value for name, value in environ.items() if not name.upper().startswith(("PYTHON", "VIRTUAL_ENV"))}
    system = environ.get("SYSTEMROOT")
    return {name: value for name, value in kept.items() if name.upper() != "PATH"} | {
        "PATH": f"{system}\\system32" if system else "/nowhere"
    }


def printed(program: Path, environ: Mapping[str, str], *words: str, code: int = 0) -> str:
    """What a command prints. RuntimeError: it ends with another exit code."""
    ended = subprocess.run(
        [program, *words], env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
    )
    text = (ended.stdout + ended.stderr).decode("utf-8", "replace").replace("\r\n", "\n")
    if ended.returncode != code:
        raise RuntimeError(f"{' '.join(words)} ended with {ended.returncode}:\n{text}")
    return text


def release_after_a_kill(program: Path, lab: Path, environ: Mapping[str, str]) -> None:
    """Kill a run while VMs are quiesced: the guardian, which is the program itself, releases every one."""
    config = lab / "snapall.toml"
    with started(program, environ, "lab", "up", str(lab)) as site:
        try:
            until(config.exists, "the lab is up")
            with World(lab) as world:
                before = dict(world.quiesced())
                with started(program, environ, "run", "--config", str(config)) as run:
                    until(lambda: len(world.quiesced()) >= len(before) + 3, "three VMs are quiesced")
                    watching = guardians(config)
                    run.kill()
                assert list(watching.values()) == [program]
                _, left = psutil.wait_procs(watching, timeout=2 * PATIENCE)
                assert not left
                assert dict(world.quiesced()) == before
        finally:
            site.kill()


def started(program: Path, environ: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
    """Start a command whose output nobody reads."""
    null = subprocess.DEVNULL
    return subprocess.Popen([program, *words], env=environ, stdin=null, stdout=null, stderr=null)


def guardians(config: Path) -> dict[psutil.Process, Path]:
    """The guardians of this lab's runs, each with the program that it is."""
    found = {}
    for one in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # one that is ending; OSError: under Wine
            words = one.cmdline()
            if "snapall.app.guardian" in words and Path(words[-1]).is_relative_to(config.parent):
                found[one] = Path(words[0])
    return found


if __name__ == "__main__":
    tried(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())

"""The lab's vcbsnapshot in front of a VirtualCenter whose database is PostgreSQL.

`mirrored_vcbsnapshot.py FOLDER DATABASE PSQL... -- PROGRAM...` does the call, then copies the lab's snapshots to the
real database, as far as that lets it within a second. At the second create it makes a file, `reached`, and waits for
another, `go`, so that a test can strike then.
"""

import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

COLUMNS = "ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME"


def copy(database: str, psql: list[str]) -> None:
    with sqlite3.connect(database) as db:
        rows = db.execute(f"SELECT {COLUMNS} FROM VPX_SNAPSHOT").fetchall()
    lines = ["\t".join(map(str, row)) for row in rows]
    copied = [f"COPY vc.VPX_SNAPSHOT ({COLUMNS}) FROM STDIN;", *lines, "\\."]
    script = ["SET lock_timeout = '1s';", "BEGIN;", "DELETE FROM vc.VPX_SNAPSHOT;", *copied, "COMMIT;", ""]
    subprocess.run(psql, input="\n".join(script), text=True, stderr=subprocess.DEVNULL, check=False, timeout=3)


if __name__ == "__main__":
    folder, database, *rest = sys.argv[1:]
    at = rest.index("--")
    psql, program = rest[:at], rest[at + 1 :]
    begun = Path(folder, "begun")
    if "-c" in program:
        if begun.exists() and not Path(folder, "reached").exists():
            Path(folder, "reached").touch()
            while not Path(folder, "go").exists():
                time.sleep(0.02)
        begun.touch()
    done = subprocess.run(program, check=False)
    with suppress(subprocess.TimeoutExpired):  # a frozen server: VirtualCenter would wait, too, but not this test
        copy(database, psql)
    sys.exit(done.returncode)

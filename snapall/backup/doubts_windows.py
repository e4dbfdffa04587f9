"""Who else could have written a file, or replaced it, by the access lists of Windows. Empty elsewhere."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from snapall.backup.acl import includes_everybody
    from snapall.backup.acl_windows import access_of, account_name, my_sid, names_of
    from snapall.backup.breaches import Breach, Doubt, Owner

    def doubts(path: Path, *more_owners: Owner) -> Iterator[Doubt]:
        """Find out how others could have written, or can read, a file or folder by its own access list. OSError."""
        found, trusted = access_of(path), {my_sid(), *map(str, more_owners)}
        if not found.belongs_to(trusted):
            yield Doubt(Breach.OWNER, path, account_name(found.owner))
        if others := found.writers(trusted):
            breach = Breach.EVERYBODY if includes_everybody(others) else Breach.GROUP
            yield Doubt(breach, path, f"its access list lets {names_of(others)} write it")
        if others := found.readers({my_sid()}):
            yield Doubt(Breach.READABLE, path, f"its access list lets {names_of(others)} read it")

    def replaceable(path: Path, *more_owners: Owner) -> Iterator[Doubt]:
        """Find the folders in which others could replace this file, those behind links and junctions, too. OSError."""
        trusted = {my_sid(), *map(str, more_owners)}
        ways = (path.absolute(), Path(os.path.realpath(path)))
        for folder in dict.fromkeys(one for way in ways for one in reversed(way.parents) if one.exists()):
            found = access_of(folder)
            if not found.belongs_to(trusted):
                yield Doubt(Breach.FOLDER, folder, f"the folder {folder} belongs to {account_name(found.owner)}")
            elif others := found.replacers(trusted):
                breach = Breach.FOLDER if includes_everybody(others) else Breach.SHARED_FOLDER
                why = f"the access list of the folder {folder} lets {names_of(others)} replace what is in it"
                yield Doubt(breach, folder, why)

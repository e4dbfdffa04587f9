"""What the lock file says of the packages that snapall needs to run: their versions and hashes, for one system."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from packaging.markers import Marker

_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>.+))?")


@dataclass(frozen=True, slots=True)
class Locked:
    """A package as it is locked. `marker`: where it is needed, "" for everywhere; `hashes`: of every file, sha256."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    def applies(self, environment: Mapping[str, str]) -> bool:
        """Whether a system with these markers, such as sys_platform, needs it."""
        return not self.marker or Marker(self.marker).evaluate({**environment})

    def lines(self, *, marker: bool = True) -> str:
        """The requirement for pip, with all its hashes."""
        where = f" ; {self.marker}" if marker and self.marker else ""
        return " \\\n    ".join(
            [f"{self.name}=={self.version}{where}", *(f"--hash=sha256:{one}" for one in self.hashes)]
        )


def locked(text: str) -> list[Locked]:
    """The packages of a lock file. ValueError: a package without a version or without a hash."""
    found = []
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(str.strip, joined.splitlines()):
        requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        parts = _LINE.fullmatch(requirement.strip())
        if parts is None or not hashes:
            raise ValueError(f"not locked by version and hash: {line.strip()[:80]}")
        found.append(Locked(parts["name"], parts["version"], parts["marker"] or "", tuple(map(str.strip, hashes))))
    return found


def restricted(lock: Iterable[Locked], names: Collection[str]) -> list[Locked]:
    """The locked packages of these names, in the lock's order. ValueError: one of them is not locked."""
    wanted = {normal(name) for name in names}
    found = [one for one in lock if normal(one.name) in wanted]
    if missing := wanted - {normal(one.name) for one in found}:
        raise ValueError(f"not in the lock file: {', '.join(sorted(missing))}; run `nox -s lock`")
    return found


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()

"""The systems that a bundle is made for: the wheels that fit them, and the markers that pip sees there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_CPYTHON = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}


@dataclass(frozen=True, slots=True)
class Target:
    """`name`: of the bundle; `platforms`: the tags of its wheels; `markers`: what differs from this system."""

    name: str
    platforms: tuple[str, ...]
    markers: Mapping[str, str]
    archive: str  # as shutil knows its format
    installer: str

    def environment(self, python: str) -> dict[str, str]:
        """The markers of this target with a Python such as "3.12"."""
        versions = {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "implementation_version": f"{python}.0",
        }
        return {**self.markers, **_CPYTHON, **versions}


LINUX = Target(
    "linux-x86_64",
    # glibc 2.28, which Debian 10 and Red Hat 8 have, and older.
    (*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64", "manylinux2010_x86_64"),
    {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    "gztar",
    "install.sh",
)
WINDOWS = Target(
    "windows-amd64",
    ("win_amd64",),
    {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
    "zip",
    "install.cmd",
)

"""A file's group, where a test is about what its members may do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def share(path: Path) -> None:
    """Give a file of ours to a group that has other members, or may have: no private group of ours."""
    others = [1] if os.geteuid() == 0 else [one for one in os.getgroups() if one != os.getegid()]
    if not others:
        pytest.skip("this user is in no other group")
    os.chown(path, -1, others[0])

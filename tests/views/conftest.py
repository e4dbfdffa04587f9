"""Fixtures of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backup.simulated import Stage
from tests.operate.slow_runs import slow_stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A simulated site whose calls take time."""
    return slow_stage(tmp_path)

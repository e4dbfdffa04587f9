"""Fixtures for the tests that need cmd.exe."""

from __future__ import annotations

import pytest

from tests.windows.interpreter import Interpreter, interpreter
from tests.windows.standins import built


@pytest.fixture(scope="session")
def peer() -> Interpreter:
    """The command interpreter of this machine; without one, or without stand-ins, the test is skipped."""
    found = interpreter()
    if isinstance(found, str):
        pytest.skip(found)
    try:
        built()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return found

"""Makes and tries what sites without the internet install: the offline bundle, and the stand-alone program."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout, or the copy that the tests run in."""

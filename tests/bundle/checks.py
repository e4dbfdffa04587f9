"""What a trial must show: a whole backup by the lab's own ledger, and the documents."""

from __future__ import annotations

import re
from pathlib import Path

QUIESCED = re.compile(r"19 of 19 VMs were quiesced when \S+ was taken\n +0 VMs are still quiesced")
"""What the lab's own ledger shows after a whole backup."""


def require_backup(printed: str) -> None:
    """RuntimeError: the demo printed no whole backup."""
    if QUIESCED.search(printed) is None:
        raise RuntimeError(f"no whole backup:\n{printed}")


def require_documents(folder: Path) -> None:
    """RuntimeError: a document that an administrator begins with is missing."""
    for name in ("docs/install.md", "docs/logrotate/snapall", "sql/grants.sql"):
        if not (folder / name).is_file():
            raise RuntimeError(f"not written out: {name}")

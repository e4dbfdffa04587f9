"""The rsh client against a real in.rshd."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapall.backup.steps import Capture, Delete, Done, Rename
from snapall.errors import SiteError
from snapall.site.filer import FilerSystem
from snapall.site.rsh import Rsh
from tests.real.conftest import Peer

pytestmark = pytest.mark.real


def test_snapshots_are_made_renamed_listed_and_deleted(rshd: Peer) -> None:
    filer = FilerSystem(Rsh(rshd.settings), "filer1")
    assert "7.0.2" in filer.version()
    assert isinstance(filer.perform(Capture("vmvol1", "new")), Done)
    assert isinstance(filer.perform(Rename("vmvol1", "new", "newer")), Done)
    assert filer.listing("vmvol1")[0].name == "newer"
    assert isinstance(filer.perform(Delete("vmvol1", "newer")), Done)


def test_a_user_whom_rhosts_does_not_name_is_refused(rshd: Peer) -> None:
    stranger = Rsh(replace(rshd.settings, local_user="somebody"))
    with pytest.raises(SiteError):
        FilerSystem(stranger, "filer1").listing("vmvol1")


def test_an_unprivileged_source_port_is_refused(rshd: Peer) -> None:
    with pytest.raises(SiteError):
        FilerSystem(Rsh(replace(rshd.settings, reserved_port=False)), "filer1").listing("vmvol1")

"""The login by which backups are used, apart from the one that makes them."""

from __future__ import annotations

from pydantic import field_validator

from snapall.config import values
from snapall.config.table import ConfigTable


class RestoreLogin(ConfigTable):
    """[filers.NAME.restore]: a login for mount, restore and verify, so that the nightly one needs no LUN command."""

    user: values.Word
    """The filer's user for mount, restore and verify. Host, transport and host key are those of [filers.NAME]."""
    key_file: values.SecretFile | None = None
    """ssh: a private RSA key without a passphrase, or else a password."""
    password: values.Password | None = None
    """As in [vcenter]. ssh: instead of a key. rsh: if the filer wants one; it is sent in clear text."""

    @field_validator("user")
    @classmethod
    def _bare(cls, user: str) -> str:
        if ":" in user:
            raise ValueError("holds a colon, which no filer's user name does: write what follows it into `password`")
        return user

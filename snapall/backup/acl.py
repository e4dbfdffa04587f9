"""What an access list of Windows means for snapall: who else may write, replace or read a file. Pure.

Accounts are known by their SIDs, which are the same in every language (Microsoft, "Well-known SIDs"; rights: winnt.h).
Entries that deny are left out of account: what they take away is reported all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SYSTEM, ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
# CREATOR OWNER and OWNER RIGHTS stand for the owner, who is judged as such.
_TRUSTED = frozenset({SYSTEM, ADMINISTRATORS, _TRUSTED_INSTALLER, "S-1-3-0", "S-1-3-4"})
# Everyone, Authenticated Users, Users, INTERACTIVE, NETWORK, ANONYMOUS LOGON, Guests
_EVERYBODY = frozenset({"S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-4", "S-1-5-2", "S-1-5-7", "S-1-5-32-546"})

_TAKE_OVER = 0x10000 | 0x40000 | 0x80000 | 0x10000000  # DELETE, WRITE_DAC, WRITE_OWNER, GENERIC_ALL
_WRITE = 0x2 | 0x4 | 0x40000000 | _TAKE_OVER  # FILE_WRITE_DATA, FILE_APPEND_DATA, GENERIC_WRITE
_REPLACE = 0x40 | _TAKE_OVER  # FILE_DELETE_CHILD
_READ = 0x1 | 0x80000000 | 0x10000000  # FILE_READ_DATA, GENERIC_READ, GENERIC_ALL
_EVERYTHING = 0x1F01FF


@dataclass(frozen=True, slots=True)
class Ace:
    """Rights that are granted to an account or a group."""

    sid: str
    rights: int


@dataclass(frozen=True, slots=True)
class AccessList:
    """Who owns a file, and what it grants to whom. `inherits`: what its folder grants is part of it."""

    owner: str
    aces: tuple[Ace, ...]
    inherits: bool

    def writers(self, trusted: Iterable[str]) -> tuple[Ace, ...]:
        """Who else may write it, `trusted` excepted, or take it over; of a folder: add a file."""
        return self._others(_WRITE, trusted)

    def replacers(self, trusted: Iterable[str]) -> tuple[Ace, ...]:
        """Who else may replace what is in a folder, or the folder."""
        return self._others(_REPLACE, trusted)

    def readers(self, trusted: Iterable[str]) -> tuple[Ace, ...]:
        """Who else may read it."""
        return self._others(_READ, trusted)

    def belongs_to(self, trusted: Iterable[str]) -> bool:
        """Whether its owner is one of these, or one that every administrator relies on."""
        return self.owner in _TRUSTED | set(trusted)

    def _others(self, rights: int, trusted: Iterable[str]) -> tuple[Ace, ...]:
        believed = _TRUSTED | set(trusted)
        return tuple(one for one in self.aces if one.rights & rights and one.sid not in believed)


def without_list(owner: str) -> AccessList:
    """A file that has no list at all: everybody may do everything."""
    return AccessList(owner, (Ace("S-1-1-0", _EVERYTHING),), inherits=False)


def includes_everybody(aces: Iterable[Ace]) -> bool:
    """Whether any user of the machine is among them."""
    return any(one.sid in _EVERYBODY for one in aces)


def private_sddl(users: tuple[str, ...], folder: bool) -> str:
    """The list of a private file, or of a folder and all that is made in it: users, Administrators and SYSTEM alone."""
    inherited = "OICI" if folder else ""
    return "D:P" + "".join(f"(A;{inherited};FA;;;{sid})" for sid in (*users, ADMINISTRATORS, SYSTEM))


def narrowing(quoted_path: str, users: tuple[str, ...], others: Iterable[Ace], folder: bool) -> str:
    """The command that gives a file or folder such a list, and takes its rights from these others."""
    rights = "(OI)(CI)F" if folder else "F"
    grants = " ".join(f'"*{sid}:{rights}"' for sid in dict.fromkeys((*users, SYSTEM, ADMINISTRATORS)))
    gone = " ".join(f"/remove:g *{sid}" for sid in dict.fromkeys(one.sid for one in others))
    return f"icacls {quoted_path} /inheritance:r {gone}{' ' if gone else ''}/grant:r {grants}"

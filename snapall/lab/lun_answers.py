"""What the filer shows of LUNs, of initiator groups, and of who holds a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from snapall.lab.effects import Denied, check_volume
from snapall.lab.frozen import DEPENDENCY, option
from snapall.lab.lunrows import LunRow, lun_at, luns, maps
from snapall.lab.texts import Says
from snapall.lab.volume_answers import knows_dependency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction

_ONLINE = "volume IN (SELECT name FROM volumes WHERE state = 'online')"


def show(transaction: Transaction, arguments: Sequence[str]) -> str | Denied:
    """`lun show [-v | -m] [PATH]`."""
    kind = next((one for one in arguments if one in {"-v", "-m"}), "")
    names = [one for one in arguments if one != kind]
    if len(names) > 1 or any(name.startswith("-") for name in names):
        return Denied(Says.USAGE_LUN())
    rows = luns(transaction, _ONLINE)
    if names:
        lun = lun_at(transaction, "lun show", names[0], changing=False)
        if isinstance(lun, Denied):
            return lun
        rows = [lun]
    if kind == "-m":
        return "\n".join([Says.HEADING_MAPS(), "-" * 71, *(line for row in rows for line in _maps(transaction, row))])
    return "\n".join(line for row in rows for line in _lun(transaction, row, verbose=kind == "-v"))


def _maps(transaction: Transaction, lun: LunRow) -> list[str]:
    """The rows of `lun show -m`; a LUN without a map has none."""
    query = "SELECT protocol FROM igroups WHERE name = ?"
    return [
        f"{lun.path:<35} {igroup:<16} {id_:>7}       {transaction.value(query, igroup)}"
        for igroup, id_ in maps(transaction, lun.id)
    ]


def _lun(transaction: Transaction, lun: LunRow, *, verbose: bool) -> list[str]:
    mapped = maps(transaction, lun.id)
    states = ["r/o" if lun.read_only else "r/w", "online" if lun.online else "offline", *(["mapped"] if mapped else [])]
    line = f"        {lun.path:<30} {_size(lun.size):>7} ({lun.size})    ({', '.join(states)})"
    if not verbose:
        return [line]
    made = datetime.fromtimestamp(lun.created, UTC).strftime("%a %b %e %H:%M:%S UTC %Y")
    details = [f'Comment: "{lun.comment}"'] * bool(lun.comment)
    details += [f"Serial#: {lun.serial}"]
    details += [f"Backed by: {backing(transaction, lun)}"] * (lun.backing is not None)
    details += ["Share: none", f"Space Reservation: {'enabled' if lun.reserved else 'disabled'}"]
    details += [f"Multiprotocol Type: {lun.ostype}"]
    details += [f"Maps: {' '.join(f'{igroup}={id_}' for igroup, id_ in mapped)}"] * bool(mapped)
    return [line, *(f"                {detail}" for detail in [*details, f"Creation Time: {made}"])]


def backing(transaction: Transaction, lun: LunRow) -> str:
    """The path in a snapshot that a clone rests on."""
    rows = transaction.rows("SELECT name FROM filer_snapshots WHERE seq = ?", lun.backing)
    return f"/vol/{lun.volume}/.snapshot/{rows[0][0] if rows else '?'}{lun.backed_by}"


def _size(size: int) -> str:
    """As the filer rounds it: `16m`, `2g`, `10.0g`."""
    for unit, letter in ((1024**4, "t"), (1024**3, "g"), (1024**2, "m"), (1024, "k")):
        if size >= unit:
            return f"{size // unit}{letter}" if size % unit == 0 else f"{size / unit:.1f}{letter}"
    return str(size)


def usage(transaction: Transaction, arguments: Sequence[str]) -> str | Denied:
    """`lun snap usage [-s] VOLUME SNAP`: who holds a snapshot, in the order in which it is to be deleted."""
    match [one for one in arguments if one != "-s"]:
        case ["usage", volume, snapshot]:
            pass
        case _:
            return Denied(Says.USAGE_SNAP_USAGE())
    if denied := check_volume(transaction, "lun snap usage", volume, changing=False):
        return denied
    seqs = transaction.rows("SELECT seq FROM filer_snapshots WHERE volume = ? AND name = ?", volume, snapshot)
    if not seqs:
        return Denied(Says.ABSENT())
    lines: list[str] = []
    for lun in luns(transaction, "backing = ?", seqs[0][0]):
        lines += ["Active:"] * (not lines)
        lines += [f"        LUN: {lun.path}", f"        Backed By: {backing(transaction, lun)}"]
    query = (
        "SELECT s.name, f.path, f.backed_by FROM frozen AS f JOIN filer_snapshots AS s ON s.seq = f.snapshot"
        " WHERE f.backing = ? AND f.holds ORDER BY s.seq DESC, f.path"
    )
    last = ""
    for holder, path, backed_by in transaction.rows(query, seqs[0][0]):
        lines += [f"{holder}:"] * (holder != last)
        last = holder
        where = f"/vol/{volume}/.snapshot"
        lines += [f"        LUN: {where}/{holder}/{path.split('/', 3)[3]}"]
        lines += [f"        Backed By: {where}/{snapshot}{backed_by}"]
    return "\n".join(lines)


def igroups(transaction: Transaction, arguments: Sequence[str]) -> str | Denied:
    """`igroup show [-v] [NAME]`."""
    names = [one for one in arguments[1:] if one != "-v"]
    if arguments[:1] != ["show"] or len(names) > 1:
        return Denied(Says.USAGE_IGROUP())
    query = "SELECT name, protocol, ostype FROM igroups WHERE ? IN (name, '') ORDER BY name"
    rows = transaction.rows(query, " ".join(names))
    if names and not rows:
        return Denied(Says.NO_IGROUP("igroup show", names[0]))
    lines = []
    for name, protocol, ostype in rows:
        lines.append(f"    {name} ({protocol}) (ostype: {ostype}):")
        query = "SELECT name, interface FROM initiators WHERE igroup = ? ORDER BY name"
        for initiator, interface in transaction.rows(query, name):
            lines.append(f"        {initiator} ({f'logged in on: {interface}' if interface else 'not logged in'})")
    return "\n".join(lines)


def options(transaction: Transaction, volume: str) -> str | Denied:
    """`vol options VOLUME`."""
    if denied := check_volume(transaction, "vol options", volume, changing=False):
        return denied
    read_only = transaction.value("SELECT read_only FROM volumes WHERE name = ?", volume)
    found = ["nosnap=off", "nosnapdir=off", "minra=off", "no_atime_update=off", "nvfail=off"]
    found += [f"snapmirrored={'on' if read_only else 'off'}", "create_ucode=on", "convert_ucode=on", "maxdirsize=10470"]
    found += ["fs_size_fixed=off", "guarantee=volume", "fractional_reserve=100"]
    if knows_dependency(transaction.settings.version):
        found.append(f"{DEPENDENCY}={option(transaction, volume, DEPENDENCY) or 'off'}")
    return ",\n".join(", ".join(found[n : n + 5]) for n in range(0, len(found), 5))

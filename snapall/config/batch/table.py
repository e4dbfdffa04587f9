"""The sequences of a batch file -> the tables of a snapall.toml, with the line of each key."""

from __future__ import annotations

from snapall.config.batch import systems
from snapall.config.batch.chain import chain_of, naming
from snapall.config.batch.contents import ANY, Located, QuiesceLoop, Script, Snap, SnapshotQuery, Statements, VmQuery
from snapall.config.batch.raw import Raw, Table
from snapall.config.batch.sequences import sequences_of


def table_of(script: Script) -> Table:
    """Return what the file configures. Contradictions are faults, and stay out of the table."""
    sequences = sequences_of(script)
    table = Table(script)
    systems.log(table)
    systems.vcenter(table)
    systems.database(table)
    for sequence in sequences:
        _job(sequence, table)
    return table


def _job(sequence: Statements, table: Table) -> None:
    snaps = sequence.of(Snap)
    volumes: dict[str, list[Snap]] = {}
    for snap in snaps:
        if snap.volume is not None:
            volumes.setdefault(snap.volume.text, []).append(snap)
    filer = table.agreed([(snap.filer, snap.line) for snap in snaps], "the filer")
    user, password = _login(snaps, table)
    if not volumes or filer is None:
        return
    name = _name(next(iter(volumes)), filer.text, sequence, table)
    table.put(("jobs", name, "filer"), _filer(filer, user, password, table), filer.line)
    table.put(("jobs", name, "volumes"), list(volumes), snaps[0].volume.line if snaps[0].volume else sequence.line)
    _datastores(name, sequence, table)
    _chains(name, volumes, table)
    _vm_snapshot(name, sequence, table)
    table.put(("jobs", name, "order"), "safe", sequence.line)


def _login(snaps: list[Snap], table: Table) -> tuple[Located | None, Located | None]:
    """Return the user of rsh and the user's password, as far as all lines name them."""
    key = ("filers", ANY, "user")
    without = [snap.line for snap in snaps if snap.user is None]
    if without and len(without) < len(snaps):
        table.script.fault(without[0], "rsh has no -l here, but has one elsewhere", "make the lines agree", key)
        return None, None
    user = table.agreed([(snap.user, snap.line) for snap in snaps], "the user of rsh", key, case=True)
    return user, _password(snaps, table)


def _password(snaps: list[Snap], table: Table) -> Located | None:
    key = ("filers", ANY, "password")
    without = [snap.line for snap in snaps if snap.password is None]
    if without and len(without) < len(snaps):
        table.script.fault(without[0], "rsh has no password here, but has one elsewhere", "make the lines agree", key)
        return None
    return table.agreed([(snap.password, snap.line) for snap in snaps], "the password of rsh", key, case=True)


def _name(volume: str, filer: str, sequence: Statements, table: Table) -> str:
    taken = {one.lower() for one in table.raw.get("jobs", {})}
    if volume.lower() not in taken:
        return volume
    other = f"{filer}-{volume}"
    if other.lower() in taken or filer.lower() in {one.lower() for one in table.raw.get("filers", {})}:
        text = f"the volume {volume} is backed up twice in this file"
        table.script.fault(sequence.line, text, "keep one of the two sequences")
    return other


def _filer(filer: Located, user: Located | None, password: Located | None, table: Table) -> str:
    """Fill the filer's table, and return the name by which the batch first calls it."""
    filers: dict[str, Raw] = table.raw.get("filers", {})
    for known, keys in filers.items():
        if known.lower() == filer.text.lower():
            for key, value in (("user", user), ("password", password)):
                if keys.get(key) != (value.text if value is not None else None):
                    text = f"the {key} of rsh differs from the one above for {filer.text}"
                    table.script.fault(filer.line, text, "make the lines agree", ("filers", ANY, key))
            return known
    table.put(("filers", filer.text, "host"), filer.text, filer.line)
    table.put(("filers", filer.text, "transport"), "rsh", filer.line)
    for key, value in (("user", user), ("password", password)):
        if value is not None:
            table.put(("filers", filer.text, key), value.text, value.line)
    return filer.text


def _datastores(name: str, sequence: Statements, table: Table) -> None:
    queries = sequence.of(VmQuery)
    if not queries or any(query.datastores is None for query in queries):
        return
    ids = list(dict.fromkeys(one for query in queries for one in query.datastores or ()))
    table.put(("jobs", name, "datastores"), ids, queries[0].line)
    for look in sequence.of(SnapshotQuery):
        if look.limited_to and set(look.limited_to) != set(ids):
            text = "the query for the VM snapshots covers other datastores than the query for the VMs"
            table.script.fault(look.line, text, "make the two queries agree", ("jobs", name, "datastores"))


def _chains(name: str, volumes: dict[str, list[Snap]], table: Table) -> None:
    chains = {volume: chain_of(volume, snaps, table.script) for volume, snaps in volumes.items()}
    found = [chain for chain in chains.values() if chain is not None]
    if len(found) != len(chains):
        return
    first = found[0]
    for volume, chain in zip(chains, found, strict=True):
        if tuple(one.text for one in chain) != tuple(one.text for one in first):
            text = f"the chain of {volume} differs from that of {next(iter(chains))}"
            remedy = "volumes of one sequence share their names: make them agree, or write two sequences"
            table.script.fault(chain[0].line, text, remedy, ("jobs", name, "chain"))
            return
    for key, value in naming(first).items():
        table.put(("jobs", name, key), value, first[0].line)


def _vm_snapshot(name: str, sequence: Statements, table: Table) -> None:
    key = ("jobs", name, "vm_snapshot")
    names = [(one.name, one.line) for one in sequence.of(QuiesceLoop)]
    value = table.agreed(names, "the VM snapshot's name", key, case=True)
    if value is None:
        return
    for look in sequence.of(SnapshotQuery):
        if look.name is not None and look.name.lower() != value.text.lower():
            text = f"the snapshot name differs from the one on line {value.line}"
            table.script.fault(look.line, text, "make the two lines agree", key)
            return
    table.put(key, value.text, value.line)

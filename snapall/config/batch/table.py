"""The sequences of a batch file -> the tables of a snapall.toml, with the line of each key."""

from __future__ import annotations

from snapall.config.batch import systems
from snapall.config.batch.chain import chain_of, naming
from snapall.config.batch.facts import ANY, Located, Script, Snap
from snapall.config.batch.raw import Table, agreed
from snapall.config.batch.sequences import CommandSequence, sequences_of


def table_of(script: Script) -> Table:
    """Return what the file configures. Contradictions are faults, and stay out of the table."""
    table = Table()
    sequences = sequences_of(script)
    systems.log(script, table)
    systems.vcenter(sequences, script, table)
    systems.database(sequences, script, table)
    for sequence in sequences:
        _job(sequence, script, table)
    return table


def _job(sequence: CommandSequence, script: Script, table: Table) -> None:
    volumes: dict[str, list[Snap]] = {}
    for snap in sequence.snaps:
        if snap.volume is not None:
            volumes.setdefault(snap.volume.text, []).append(snap)
    filer = agreed([(snap.filer, snap.line) for snap in sequence.snaps], "the filer", script, case=False)
    user = _user(sequence, script)
    if not volumes or filer is None:
        return
    name = _name(next(iter(volumes)), filer.text, sequence, script, table)
    filer_name = _filer(filer, user, script, table)
    first = sequence.snaps[0].volume
    where = first.line if first is not None else sequence.line
    table.put(("jobs", name, "filer"), filer_name, filer.line)
    table.put(("jobs", name, "volumes"), list(volumes), where)
    _datastores(name, sequence, script, table)
    _chains(name, volumes, script, table)
    _vm_snapshot(name, sequence, script, table)
    table.put(("jobs", name, "order"), "safe", sequence.line)


def _user(sequence: CommandSequence, script: Script) -> Located | None:
    """Return the user of rsh, if all lines name one."""
    key = ("filers", ANY, "user")
    without = [snap.line for snap in sequence.snaps if snap.user is None]
    if without and len(without) < len(sequence.snaps):
        script.fault(without[0], "rsh has no -l here, but has one elsewhere", "make the lines agree", key)
        return None
    return agreed([(snap.user, snap.line) for snap in sequence.snaps], "the user of rsh", script, key)


def _name(volume: str, filer: str, sequence: CommandSequence, script: Script, table: Table) -> str:
    taken = {one.lower() for one in table.raw.get("jobs", {})}
    if volume.lower() not in taken:
        return volume
    other = f"{filer}-{volume}"
    if other.lower() in taken or filer.lower() in {one.lower() for one in table.raw.get("filers", {})}:
        text = f"the volume {volume} is backed up twice in this file"
        script.fault(sequence.line, text, "keep one of the two sequences")
    return other


def _filer(filer: Located, user: Located | None, script: Script, table: Table) -> str:
    """Fill the filer's table, and return the name by which the batch first calls it."""
    for known, keys in table.raw.get("filers", {}).items():
        if known.lower() == filer.text.lower():
            before = keys.get("user") if isinstance(keys, dict) else None
            if before != (user.text if user is not None else None):
                text = f"the user of rsh differs from the one above for {filer.text}"
                script.fault(filer.line, text, "make the lines agree", ("filers", ANY, "user"))
            return known
    table.put(("filers", filer.text, "host"), filer.text, filer.line)
    table.put(("filers", filer.text, "transport"), "rsh", filer.line)
    if user is not None:
        table.put(("filers", filer.text, "user"), user.text, user.line)
    return filer.text


def _datastores(name: str, sequence: CommandSequence, script: Script, table: Table) -> None:
    if any(query.datastores is None for query in sequence.queries) or not sequence.queries:
        return
    ids = list(dict.fromkeys(one for query in sequence.queries for one in query.datastores or ()))
    table.put(("jobs", name, "datastores"), ids, sequence.queries[0].line)
    for look in sequence.lookups:
        if look.limited_to and set(look.limited_to) != set(ids):
            text = "the query for the VM snapshots covers other datastores than the query for the VMs"
            script.fault(look.line, text, "make the two queries agree", ("jobs", name, "datastores"))


def _chains(name: str, volumes: dict[str, list[Snap]], script: Script, table: Table) -> None:
    chains = {volume: chain_of(volume, snaps, script) for volume, snaps in volumes.items()}
    found = [chain for chain in chains.values() if chain is not None]
    if len(found) != len(chains):
        return
    first = found[0]
    for volume, chain in zip(chains, found, strict=True):
        if tuple(one.text for one in chain) != tuple(one.text for one in first):
            text = f"the chain of {volume} differs from that of {next(iter(chains))}"
            remedy = "volumes of one sequence share their names: make them agree, or write two sequences"
            script.fault(chain[0].line, text, remedy, ("jobs", name, "chain"))
            return
    for key, value in naming(first).items():
        table.put(("jobs", name, key), value, first[0].line)


def _vm_snapshot(name: str, sequence: CommandSequence, script: Script, table: Table) -> None:
    key = ("jobs", name, "vm_snapshot")
    value = agreed([(one.name, one.line) for one in sequence.quiesces], "the VM snapshot's name", script, key)
    if value is None:
        return
    for look in sequence.lookups:
        if look.name is not None and look.name.lower() != value.text.lower():
            text = f"the snapshot name differs from the one on line {value.line}"
            script.fault(look.line, text, "make the two lines agree", key)
            return
    table.put(key, value.text, value.line)

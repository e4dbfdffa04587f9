"""The sequences of a batch file -> the tables of a snapall.toml, with the line of each key."""

from __future__ import annotations

from snapall.config.batch.commands.reading import Read
from snapall.config.batch.facts import ANY, Findings, Located, QuiesceCall, Snap, SnapshotQuery, Statements, VmQuery
from snapall.config.batch.tables import systems
from snapall.config.batch.tables.chain import chain_of, naming
from snapall.config.batch.tables.raw import Found, Raw, Table
from snapall.config.batch.tables.sequences import left_out, sequences_of

_REACH = (("transport", "transport"), ("user", "user"), ("password", "password"), ("key_file", "key"), ("port", "port"))


def table_of(read: Read, findings: Findings) -> Table:
    """Return what the batch configures. Contradictions are faults, and stay out of the table."""
    sequences = sequences_of(read.statements, findings)
    table = Table(findings)
    table.put_agreed(("log",), [(one, one.line) for one in read.logs], "the log file")
    systems.vcenter(read.statements, table)
    systems.database(read.statements, table)
    for sequence in sequences:
        _job(sequence, table)
    return table


def _job(sequence: Statements, table: Table) -> None:
    snaps = sequence.of(Snap)
    volumes: dict[str, list[Snap]] = {}
    for snap in snaps:
        volumes.setdefault(snap.volume.text, []).append(snap)
    filer = table.agreed([(snap.filer, snap.line) for snap in snaps], "the filer")
    keys = _reached(snaps, table)
    if not volumes or filer is None:
        return
    name = _name(next(iter(volumes)), filer.text, sequence, table)
    table.put(("jobs", name, "filer"), _filer(filer, keys, table), filer.line)
    table.put(("jobs", name, "volumes"), list(volumes), snaps[0].volume.line)
    _vms(name, sequence, table)
    _chains(name, volumes, table)
    _vm_snapshot(name, sequence, table)
    table.put(("jobs", name, "order"), "safe", sequence.line)


def _reached(snaps: list[Snap], table: Table) -> dict[str, Located]:
    """Return how all lines reach the filer; a line that does so in another way is a fault."""
    found: dict[str, Located] = {}
    for key, what in _REACH:
        path = ("filers", ANY, key)
        program = snaps[0].reached("transport") if snaps else None
        of = f"the {what} of {program.text if program is not None else 'rsh'}"
        without = [snap.line for snap in snaps if snap.reached(key) is None]
        if without and len(without) < len(snaps):
            lacks = "-l" if key == "user" else what
            text = f"{of.rpartition(' ')[2]} has no {lacks} here, but has one elsewhere"
            table.findings.fault(without[0], text, "make the lines agree", path)
            continue
        value = table.agreed([(snap.reached(key), snap.line) for snap in snaps], of, path, case=True)
        if value is not None:
            found[key] = value
    hosts = next((one for snap in snaps if (one := snap.reached("known_hosts")) is not None), None)
    return found if hosts is None else {**found, "known_hosts": hosts}


def _name(volume: str, filer: str, sequence: Statements, table: Table) -> str:
    taken = {one.lower() for one in table.raw.get("jobs", {})}
    if volume.lower() not in taken:
        return volume
    other = f"{filer}-{volume}"
    if other.lower() in taken or filer.lower() in {one.lower() for one in table.raw.get("filers", {})}:
        text = f"the volume {volume} is backed up twice in this file"
        table.findings.fault(sequence.line, text, "keep one of the two sequences")
    return other


def _filer(filer: Located, keys: dict[str, Located], table: Table) -> str:
    """Fill the filer's table, and return the name by which the batch first calls it."""
    filers: dict[str, Raw] = table.raw.get("filers", {})
    values: Raw = {
        key: int(one.text) if key == "port" and one.text.isdigit() else one.text for key, one in keys.items()
    }
    for known, there in filers.items():
        if known.lower() == filer.text.lower():
            for key in sorted({*there, *values} - {"host"}):
                if there.get(key) != values.get(key):
                    text = f"the {key} differs from the one above for {filer.text}"
                    table.findings.fault(filer.line, text, "make the lines agree", ("filers", ANY, key))
            return known
    table.put(("filers", filer.text, "host"), filer.text, filer.line)
    for key, value in values.items():
        # The transport is the filer's: it is written beside the host, which is where its line leads.
        table.put(("filers", filer.text, key), value, filer.line if key == "transport" else keys[key].line)
    return filer.text


def _vms(name: str, sequence: Statements, table: Table) -> None:
    """Take over which VMs the batch quiesces: by datastore, by its own query, and which it leaves out."""
    queries = sequence.of(VmQuery)
    own = [query for query in queries if query.own]
    texts = list(dict.fromkeys(query.text for query in own))
    ids = list(dict.fromkeys(one for query in queries for one in query.datastores or ()))
    if len(texts) > 1:
        text = "a second query in other words than the original's: a job has one"
        table.findings.fault(
            own[-1].line, text, "join them by UNION", ("jobs", name, "datastores"), ("jobs", name, "query")
        )
    if ids:
        table.put(("jobs", name, "datastores"), ids, next(query.line for query in queries if query.datastores))
    if texts:
        table.put(("jobs", name, "query"), texts[0], own[0].line)
    skipped, quiesced = left_out(sequence), sequence.of(QuiesceCall)
    if skipped and quiesced:
        table.put(("jobs", name, "vms"), {f"vm-{vm}": "skip" for vm in sorted(skipped)}, quiesced[0].line)
    for look in sequence.of(SnapshotQuery):
        if look.limited_to and ids and set(look.limited_to) != set(ids):
            text = "the query for the VM snapshots covers other datastores than the query for the VMs"
            table.findings.fault(look.line, text, "make the two queries agree", ("jobs", name, "datastores"))


def _chains(name: str, volumes: dict[str, list[Snap]], table: Table) -> None:
    chains = {volume: chain_of(volume, snaps, table.findings) for volume, snaps in volumes.items()}
    found = [chain for chain in chains.values() if chain is not None]
    if len(found) != len(chains):
        return
    first = found[0]
    for volume, chain in zip(chains, found, strict=True):
        if tuple(one.text for one in chain) != tuple(one.text for one in first):
            text = f"the chain of {volume} differs from that of {next(iter(chains))}"
            remedy = "volumes of one sequence share their names: make them agree, or write two sequences"
            table.findings.fault(chain[0].line, text, remedy, ("jobs", name, "chain"))
            return
    for key, value in naming(first).items():
        table.put(("jobs", name, key), value, first[0].line)


def _vm_snapshot(name: str, sequence: Statements, table: Table) -> None:
    key = ("jobs", name, "vm_snapshot")
    names: Found = [(one.name, one.line) for one in sequence.of(QuiesceCall)]
    value = table.agreed(names, "the VM snapshot's name", key, case=True)
    if value is None:
        return
    for look in sequence.of(SnapshotQuery):
        if look.name is not None and look.name.lower() != value.text.lower():
            text = f"the snapshot name differs from the one on line {value.line}"
            table.findings.fault(look.line, text, "make the two lines agree", key)
            return
    table.put(key, value.text, value.line)

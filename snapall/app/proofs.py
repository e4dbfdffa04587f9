"""The proofs of a job, by its [verify] table: who has none that is recent, and what is known of its backups."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.backup.model import Vm
from snapall.backup.store import JournalStore
from snapall.config.settings import Config
from snapall.operate.run_history import RunHistory
from snapall.operate.status import is_good
from snapall.restore.proof.file import ProofFile
from snapall.restore.proof.proofs import Proof, ProofLog, longest_age


def proof_log(store: JournalStore, job: str) -> ProofLog:
    """Return the checks of a job. JournalError: they cannot be read."""
    return ProofFile(store.state, job).log(store.clock.utc())


def proofs_of(store: JournalStore, job: str, run: str) -> tuple[Proof, ...]:
    """Return the last check of each VM out of the backup of this run; "": of a foreign snapshot, which has none."""
    return proof_log(store, job).of_backup(run) if run else ()


def unproved(settings: Config, store: JournalStore, job: str, nights: Sequence[RunHistory]) -> tuple[Vm, ...] | None:
    """Return the VMs of the newest good backup without a recent proof; None: the job has no [verify] table.

    JournalError: the proofs cannot be read.
    """
    table = settings.verify.get(job)
    if table is None:
        return None
    backup = next((one for one in nights if is_good(one)), None)
    vms = tuple(one.vm for one in backup.targets) if backup is not None else ()
    return proof_log(store, job).without_recent(vms, longest_age(len(vms), table.every, table.sample))

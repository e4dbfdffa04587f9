"""Which filer snapshots a job calls its own, and where two jobs would claim the same ones. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from snapall.escaping import quoted

FOREIGN = re.compile(
    r"(hourly|nightly|weekly)\..*|sv_.*|snapmirror.*|snapvault.*|snapshot_for_backup\..*|mirror_resync.*|exchsnap__.*|cg.*",
    re.IGNORECASE,
)
"""Names that Data ONTAP's schedules, SnapMirror, SnapVault and other products give (Data ONTAP 7-Mode documents)."""

_MOST_LISTED = 6


@dataclass(frozen=True, slots=True)
class Claim:
    """The names that one job gives on its volumes. `host`: the filer itself, for two tables may name one filer."""

    host: str
    volumes: tuple[str, ...]
    names: tuple[str, ...]
    prefix: str
    by_chain: bool  # whether `chain` lists the names

    @property
    def temporary(self) -> str:
        """How each of its temporary names begins; the run's stamp follows."""
        return f"{self.prefix}_new_"

    def may_match_temporary_of(self, other: Claim) -> bool:
        """Whether one of its names could be taken for a temporary name of the other job."""
        start = other.temporary.lower()
        return any(name.lower().startswith(start) for name in (*self.names, self.temporary))

    def in_common(self, other: Claim) -> tuple[str, ...]:
        """List the names that both jobs claim, retained ones first; `*` stands for a run's stamp."""
        own = {name.lower() for name in other.names}
        retained = tuple(name for name in self.names if name.lower() in own)
        pairs = ((self, other), (other, self))
        temporary = {one.temporary.lower(): f"{one.temporary}*" for one, by in pairs if by.may_match_temporary_of(one)}
        return (*retained, *temporary.values())


def conflicts_with(claim: Claim, earlier: Mapping[str, Claim]) -> Iterator[tuple[str, str]]:
    """Yield the key at fault and the reason for every earlier job that claims a name of this one on the same volume."""
    for job, other in earlier.items():
        theirs = {volume.lower() for volume in other.volumes}
        volumes = [volume for volume in claim.volumes if volume.lower() in theirs]
        names = claim.in_common(other)
        if claim.host.lower() == other.host.lower() and volumes and names:
            key = "chain" if claim.by_chain and names[0] in claim.names else "prefix"
            text = f"job {quoted(job)} uses the same names on {_listed(volumes)}: {_listed(names)}"
            yield key, f"{text}; give one of the two jobs another prefix or chain"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(map(quoted, names[:_MOST_LISTED])) + more

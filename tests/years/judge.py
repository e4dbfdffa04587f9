"""The promises, as rules for every single change that a command makes: the judge sees each before it takes effect.

It knows the world only: who made each snapshot, and what a `snap list` has shown. What snapall says of itself it hears
from `verdicts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from snapall.backup.model import Grade, Job, Order
from tests.years.process import Process
from tests.years.world import Snap, VmRow, World


@dataclass
class StrictJudge:
    """The judge of one world. `jobs` are those of every run, as they were configured then, by the runs' marks."""

    world: World
    jobs: dict[str, Job] = field(default_factory=dict)
    eligible: dict[str, tuple[int, ...]] = field(default_factory=dict)  # the VMs of a run, but for the skipped ones
    kept: set[str] = field(default_factory=set)  # the marks of runs with --keep
    agreed: set[str] = field(default_factory=set)  # ids that the operator wants removed
    wrong: list[str] = field(default_factory=list)
    published: int = 0
    backed_up: set[str] = field(default_factory=set)  # runs of which a list has shown every capture
    spoiled: dict[str, float] = field(default_factory=dict)  # runs whose captures others touched, and when

    def say(self, process: Process, text: str) -> None:
        self.wrong.append(f"{process.words} (process {process.pid}, job {process.job.name}) {text}")
        self.world.record("BROKEN:", self.wrong[-1])

    def listed(self, snaps: Sequence[Snap]) -> None:
        """Somebody alive reads a list."""
        self.backed_up.update(one.by for one in snaps if one.by not in self.backed_up and self.confirmed(one.by))

    # VM snapshots

    def removes(self, process: Process, row: VmRow) -> None:
        """Only ours, or what the operator has agreed to."""
        if not row.by and row.ssid not in self.agreed:
            self.say(process, f"removes {row.ssid} ({row.name}) of vm-{row.vm}, which is somebody else's")

    # The filer's

    def complete(self, mark: str) -> bool:
        """Whether a run's capture is there on every volume of its job."""
        job = self.jobs.get(mark)
        return job is not None and set(job.volumes) <= set(self.world.of_run(mark))

    def is_part(self, snap: Snap) -> bool:
        """Whether its run never captured every volume, as far as any list has shown."""
        return bool(snap.by) and not self.complete(snap.by) and snap.by not in self.backed_up

    def confirmed(self, mark: str) -> bool:
        """Whether all of it was read back."""
        return self.complete(mark) and all(one.listed for one in self.world.of_run(mark).values())

    def grade(self, mark: str) -> Grade:
        """How much of a backup was quiesced in the world."""
        wanted = self.eligible.get(mark, ())
        snaps = self.world.of_run(mark).values()
        quiesced = [vm for vm in wanted if all(vm in one.quiesced for one in snaps)]
        if len(quiesced) == len(wanted):
            return Grade.WHOLE
        return Grade.PARTIAL if quiesced else Grade.CRASH_CONSISTENT

    def _job(self, process: Process, volume: str) -> Job:
        """The job that the volume belongs to, as the process is configured; else as the last run was."""
        mine = next((one for one in process.jobs if volume in one.volumes), None)
        return mine or next((one for one in reversed(self.jobs.values()) if volume in one.volumes), process.job)

    def backups(self, process: Process, volume: str) -> list[Snap]:
        """What the volume has of the job: under the chain's names, and what is confirmed and still pending."""
        job = process.job
        return [
            one
            for one in self.world.volumes[volume]
            if (one.name in job.chain and not self.is_part(one))
            or (one.by and self.jobs[one.by].name == job.name and self.confirmed(one.by) and one.by not in self.kept)
        ]

    def deletes(self, process: Process, volume: str, snap: Snap) -> None:
        """A backup goes only as the oldest of a whole chain, or for a newer one, or as a part of none."""
        job, what = self._job(process, volume), f"deletes {snap.name} on {volume}"
        self._require_untagged(process, volume, snap, what)
        newer = self._newer(job, volume, snap)
        if self.is_part(snap):
            return
        present = {one.name for one in self.world.volumes[volume]}
        if snap.name in job.chain:
            undisturbed = max(self.spoiled.values(), default=0.0) < process.began
            if undisturbed and (snap.name != job.chain[-1] or not set(job.chain) <= present):
                self.say(process, f"{what}, which is not the oldest of a whole chain")
            elif not newer and not (job.order is Order.PAPER and process.runs):
                self.say(process, f"{what}, and no newer backup is confirmed")
        elif not snap.by or snap.by in self.kept or snap.name != self.jobs[snap.by].temporary(snap.by):
            self.say(process, f"{what}, which is none of its own")
        elif not newer:
            self.say(process, f"{what}, a pending backup, and no newer one is confirmed")

    def _newer(self, job: Job, volume: str, snap: Snap) -> list[Snap]:
        return [
            one
            for one in self.world.volumes[volume]
            if one.serial > snap.serial
            and one.by
            and self.jobs[one.by].name == job.name
            and (self.confirmed(one.by) or one.name in job.chain)
        ]

    def renames(self, process: Process, volume: str, snap: Snap, new: str) -> None:
        """Within a chain, up or back; and a confirmed backup that is good enough into it, on all volumes or none."""
        job, what = self._job(process, volume), f"renames {snap.name} on {volume} to {new}"
        self._require_untagged(process, volume, snap, what)
        chains = [job.chain, *(one.chain for one in self.jobs.values() if volume in one.volumes)]
        if any(snap.name in chain and new in chain for chain in chains):
            pass
        elif snap.by and snap.name in job.chain and new == self.jobs[snap.by].temporary(snap.by):
            pass  # taken back: in paper order a pending one was published for a capture that failed
        elif not snap.by or new != job.newest or snap.name != self.jobs[snap.by].temporary(snap.by):
            self.say(process, f"{what}, which is none of its own")
        elif not self.confirmed(snap.by) and self.spoiled.get(snap.by, 0.0) < process.began:
            self.say(process, f"{what}, which is not confirmed on every volume")
        elif self.grade(snap.by) < job.publish:
            self.say(process, f"{what}, although its grade is {self.grade(snap.by).name}")
        else:
            self.published += 1
        snap_name, snap.name = snap.name, new
        self._require_order(process, volume, what, chains)
        snap.name = snap_name

    def _require_order(self, process: Process, volume: str, what: str, chains: Sequence[tuple[str, ...]]) -> None:
        rows = {one.name: one.serial for one in self.world.volumes[volume]}
        longest = max(chains, key=len)
        serials = [rows[name] for name in longest if name in rows]
        if serials != sorted(serials, reverse=True):
            self.say(process, f"{what}: the chain is not in order of age any more")

    def _require_untagged(self, process: Process, volume: str, snap: Snap, what: str) -> None:
        if process.known_tagged.get((volume, snap.name)) and snap.tags:
            self.say(process, f"{what}, which the filer tags: {', '.join(sorted(snap.tags))}")

"""The state of the jobs in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from snapall.backup import patience
from snapall.errors import SnapallError
from snapall.operate.status import JobStatus

METRICS = (
    ("snapall_last_run_timestamp_seconds", "Start of the last finished run, in seconds since 1970."),
    ("snapall_last_run_exit_code", "Exit code of the last finished run; -1 if it died without a report."),
    ("snapall_last_run_duration_seconds", "Seconds that the last finished run took; none if it died without a report."),
    ("snapall_backup_timestamp_seconds", "Capture of the newest good backup, in seconds since 1970."),
    ("snapall_backup_max_age_seconds", "The age of the newest backup above which `snapall status` warns."),
    ("snapall_backup_vms_quiesced", "VMs that were quiesced in the newest good backup."),
    ("snapall_backup_vms_asked", "VMs that were to be quiesced in the newest good backup."),
    ("snapall_backup_window_seconds", "Seconds from the first quiesce to the last release of the newest good backup."),
    ("snapall_backups_pending", "Confirmed backups that are not published yet."),
    ("snapall_vms_left", "VMs that may be left quiesced."),
    ("snapall_vms_without_proof", "VMs without a recent proof that their backup can be read."),
    ("snapall_mounts", "Mounted backups and kept clones, and uses of a backup that are unfinished."),
    ("snapall_mounts_due", "Those of them that died half-way, were broken off, or are past the day of `mount --for`."),
    ("snapall_status", "0 OK, 1 WARNING, 2 CRITICAL, as `snapall status --nagios` reported when this was written."),
)


LAG = ("snapall_replica_lag_seconds", "Seconds by which a destination of `replicate` is behind, as last seen.")


def metrics_text(found: Sequence[JobStatus], now: datetime) -> str:
    """The samples of all jobs, for node_exporter's textfile collector; unknown ones are left out."""
    lines: list[str] = []
    values = [(one, _samples(one)) for one in found]
    for name, about in METRICS:
        lines += [f"# HELP {name} {about}", f"# TYPE {name} gauge"]
        for one, samples in values:
            if (value := samples[name]) is not None:
                lines.append(f'{name}{{job_name="{_label(one.job.name)}"}} {value:.15g}')
    if replicas := [(one.job.name, each) for one in found for each in one.replicas if each.lag is not None]:
        lines += [f"# HELP {LAG[0]} {LAG[1]}", f"# TYPE {LAG[0]} gauge"]
        lines += [
            f'{LAG[0]}{{job_name="{_label(job)}",destination="{_label(each.destination)}"}} {each.lag:.15g}'
            for job, each in replicas
        ]
    name = "snapall_metrics_timestamp_seconds"
    lines += [f"# HELP {name} When this was written.", f"# TYPE {name} gauge", f"{name} {now.timestamp():.15g}"]
    return "\n".join(lines) + "\n"


def _samples(one: JobStatus) -> dict[str, float | None]:
    backup, last = one.backup, one.last
    code = None if last is None else -1.0 if last.exit is None else float(last.exit)
    return {
        "snapall_last_run_timestamp_seconds": last.began.timestamp() if last is not None else None,
        "snapall_last_run_exit_code": code,
        "snapall_last_run_duration_seconds": (
            (last.ended - last.began).total_seconds() if last is not None and last.ended is not None else None
        ),
        "snapall_backup_timestamp_seconds": (
            backup.captured.timestamp() if backup is not None and backup.captured is not None else None
        ),
        "snapall_backup_max_age_seconds": one.job.max_age,
        "snapall_backup_vms_quiesced": backup.quiesced if backup is not None else None,
        "snapall_backup_vms_asked": len(backup.targets) if backup is not None else None,
        "snapall_backup_window_seconds": backup.window if backup is not None else None,
        "snapall_backups_pending": one.pending,
        "snapall_vms_left": len(one.left),
        "snapall_vms_without_proof": len(one.unproved) if one.unproved is not None else None,
        "snapall_mounts": one.mounts,
        "snapall_mounts_due": one.mounts_due,
        "snapall_status": int(one.level),
    }


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def write_metrics(path: Path, text: str) -> None:
    """Replace the file by the text in one step, readable for all. SnapallError: it cannot be written.

    Until then the new file has another suffix, so that the collector never reads half of it. A link in its place is
    replaced, too: what it points to stays as it is.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                if sys.platform != "win32":
                    os.fchmod(file.fileno(), 0o644)
            patience.replace(Path(name), path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        folder = path.is_dir()  # Windows says of one, as of a file that is open, that access is denied
        if patience.may_pass(error) and not folder:
            raise SnapallError(
                f"the metrics {path} are those of an earlier run, since the file cannot be replaced: {error.strerror}",
                "let no program keep it open for long, and let the user who runs snapall write to its folder",
                "SA-1951",
            ) from error
        reason = "it is a folder" if folder else error.strerror
        raise SnapallError(
            f"cannot write the metrics {path}: {reason}",
            "set `metrics` to a file, in a folder that exists and that the user who runs snapall may write to",
            "SA-6002",
        ) from error

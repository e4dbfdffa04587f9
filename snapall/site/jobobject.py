"""Job objects of Windows: whether one would end our children with us, and one that ends a hook with its children.

Task Scheduler, services, sshd and build agents run programs in a job object, and end all that is in it at once. A child
leaves it only if the job has JOB_OBJECT_LIMIT_BREAKAWAY_OK, and then on request, or
JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, and so do the jobs around it (learn.microsoft.com, "Nested Jobs").
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

SUSPENDED = 0x4 if sys.platform == "win32" else 0
"""CREATE_SUSPENDED: the program does nothing before `enclose` lets it."""


def is_confined(pid: int) -> bool:
    """Whether this process of ours is in a job object, and so ends with it. False elsewhere."""
    if sys.platform == "win32":
        import pywintypes  # noqa: PLC0415
        import win32api  # noqa: PLC0415
        import win32con  # noqa: PLC0415

        try:
            process = win32api.OpenProcess(win32con.PROCESS_QUERY_INFORMATION, False, pid)
            return bool(_jobs().IsProcessInJob(process, None))
        except pywintypes.error:  # it has ended
            return False
    return False


def enclose(pid: int) -> Callable[[], None]:
    """Put a program that was started `SUSPENDED` into a job object; the answer ends all that is in it.

    Windows knows no process groups, and no parent of a process whose parent has ended. The program goes on suspended.
    Elsewhere: nothing.
    """
    if sys.platform == "win32":
        import pywintypes  # noqa: PLC0415
        import win32api  # noqa: PLC0415
        import win32con  # noqa: PLC0415

        jobs, rights = _jobs(), win32con.PROCESS_SET_QUOTA | win32con.PROCESS_TERMINATE
        try:
            job = jobs.CreateJobObject(None, "")
            jobs.AssignProcessToJobObject(job, win32api.OpenProcess(rights, False, pid))
        except pywintypes.error:  # Windows 7 has no job object within another
            return lambda: None
        return lambda: jobs.TerminateJobObject(job, 1)
    return lambda: None


if sys.platform == "win32":

    def _jobs() -> Any:
        """The module, whose stubs give no handle."""
        import win32job  # noqa: PLC0415

        return win32job

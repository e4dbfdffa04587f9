"""`snapall plan`: what a run would do now."""

from __future__ import annotations

from dataclasses import replace

from snapall.app.opening import store_of
from snapall.app.statistics import history_of
from snapall.backup.model import Job
from snapall.backup.origins import recall
from snapall.backup.plan import Look, PlanContext, build, settling
from snapall.backup.steps import Step
from snapall.config.settings import Config, Hooks
from snapall.escaping import command_line
from snapall.operate.history import require_listed
from snapall.site import OpenSite
from snapall.views.plan import Outlook

_NO_STAMP = "00000000T000000Z-0000"  # a placeholder in the form of a stamp, since names are checked


def outlook(settings: Config, job: Job, keep: str = "", *, timely: bool = True) -> Outlook:
    """Survey the site and build the plan that `run` would build; change nothing and take no lock.

    `timely`: also warn of a run that comes soon after the last, or after none, which says nothing about the site.
    Its commands have passwords masked, and `<UTC>` where only the run knows its stamp.
    """
    store = store_of(settings)
    require_listed(store.folder)
    site = OpenSite(job, settings)
    host = settings.vcenter.host
    mine = (store.read(path) for path in store.open_runs(job.name))
    first = tuple(state for state in mine if state.header.vcenter == host)
    other_jobs = tuple(
        state for state in store.states() if state.header.vcenter == host and state.header.job.name != job.name
    )
    known = store.known(job.name)
    survey = site.survey()
    found = history_of(settings, job)
    now, new = (store.clock.utc(), store.new_for(job.name)) if timely else (None, "")
    context = PlanContext(other_jobs, first, found.usual, found.missed, settings.vcenter.parallel, now, new)
    built = build(job, survey, recall(job, known, survey.listings), context, _NO_STAMP, keep=keep)
    actions = tuple(replace(one, reason=one.reason.replace(_NO_STAMP, "<UTC>")) for one in built.actions)

    def command(action: Step | Look) -> str:
        return site.command(action).replace(_NO_STAMP, "<UTC>")

    return Outlook(settling(first), replace(built, actions=actions), command, context.parallel, found.window)


def hooks_of(settings: Config, job: Job) -> tuple[tuple[str, str], ...]:
    """Return when each hook of the job would run, with its command line."""
    hooks = settings.hooks.get(job.name, Hooks())
    found = (
        ("before the run", hooks.before),
        ("after the run", hooks.after),
        ("when it does not exit with 0", hooks.on_failure),
    )
    return tuple((when, command_line(argv)) for when, argv in found if argv)


def copies_of(settings: Config, job: Job) -> str:
    """Return what a run copies after its backup; "" if nothing."""
    vmx = settings.vmx.get(job.name)
    if vmx is None:
        return ""
    return f"sftp {vmx.user}@HOST, on each host of the job's VMs: copies their vmx files to {vmx.folder / job.name}"

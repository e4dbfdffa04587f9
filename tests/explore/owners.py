"""Who works on runs, and in which order: a nightly run, recover, recover without waiting (run.py, recover.py)."""

from __future__ import annotations

from snapall.backup.facts import Began, Ended, Left, Listed, Surveyed, TakenOver
from snapall.backup.model import Survey
from snapall.backup.origins import origins, recall
from snapall.backup.outcome import Origin
from snapall.backup.plan import PlanContext, build
from snapall.backup.report import Before, report_of
from snapall.backup.runstate import RunState
from snapall.backup.settling import settled_code
from snapall.errors import Exit, SnapallError, worst
from tests.explore import invariants
from tests.explore.process import ActiveProcess
from tests.explore.quick import replace
from tests.explore.system import Journal, Process, System

KINDS = {"run": "the next run", "recover": "snapall recover", "no-wait": "snapall recover --no-wait"}


def start(system: System, kind: str, job: int, deaths: list[tuple[str, System]] | None = None) -> System:
    """The system after a new process has begun its work. `job` is that of a run."""
    known = system.world
    for one in known.commands:  # nobody wrote down which program it was: it is given `settle` from now on
        if not one.known and not one.awaited:
            until = known.now + int(known.scene.pace.settle)
            known = known.with_command(replace(one, running=False, known=True, until=until))
    open_ = tuple(
        place
        for place, one in enumerate(system.journals)
        if not one.closed and not _worked_on(system, place) and (kind != "run" or one.job == job)
    )
    phase = "sweep" if kind == "run" else "settle"
    process = Process(kind, job, phase, queue=open_)
    active = ActiveProcess(
        replace(system, world=known, processes=(*system.processes, process)), len(system.processes), deaths
    )
    active.started += 1
    if kind != "run":
        active.me = replace(process, cases=open_, queue=(), earlier=open_)
        for run in open_:
            active.record(run, TakenOver("recover", "the run had left it open"))
    go_on(active)
    return active.frozen()


def _worked_on(system: System, run: int) -> bool:
    return any(run in (*one.cases, *one.queue, *one.earlier, one.mine) for one in system.processes)


def go_on(active: ActiveProcess) -> None:
    """Decide, and go from phase to phase, until the process must wait for something, or has ended."""
    while True:
        if active.me.cases:
            active.turn()
            if set(active.me.cases) - active.me.finished:
                return
        if not (_next_of_run(active) if active.me.kind == "run" else _next_of_recover(active)):
            return


def _drive(active: ActiveProcess, phase: str, *runs: int) -> bool:
    active.me = replace(active.me, phase=phase, cases=runs, finished=frozenset(), looks=(), wake=None)
    return True


def _ended(active: ActiveProcess, code: int, runs: tuple[int, ...]) -> bool:
    """The process is over: what it says is held against the world. Awaited answers are for nobody."""
    closed = tuple((run, active.journals[run].closed) for run in runs)
    invariants.at_rest(active.world, invariants.OwnerReport(code, closed, active.me.mine))
    active.world = active.world.entered(
        "exit", active.me.kind, value=max(code, active.world.count("exit", active.me.kind))
    )
    for one in active.world.commands:
        if one.awaited and one.run in runs:
            active.world = active.world.with_command(replace(one, awaited=False))
    del active.processes[active.place]
    return False


def _close(active: ActiveProcess, run: int, code: int) -> None:
    state = active.live(run)
    active.record(run, Ended(code, state.open, ""))
    active.journals[run] = replace(active.journals[run], closed=not state.open)


# A run


def _next_of_run(active: ActiveProcess) -> bool:
    me = active.me
    if me.phase in {"sweep", "again"} and me.cases:
        state = active.live(me.cases[0])
        _close(active, me.cases[0], int(settled_code(state)))
    if me.phase == "sweep":
        if me.queue:
            run, *rest = me.queue
            active.me = replace(me, queue=tuple(rest), earlier=(*me.earlier, run))
            active.record(run, TakenOver("the next run", "the run had left it open"))
            return _drive(active, "sweep", run)
        if _begun(active):
            return _drive(active, "drive", active.me.mine)
    if me.phase != "again":
        active.me = replace(active.me, queue=tuple(run for run in me.earlier if active.live(run).outstanding))
    if active.me.queue:
        run, *rest = active.me.queue
        active.me = replace(active.me, queue=tuple(rest))
        journal = active.journals[run]
        vms = {vm: replace(one, looked=-1) for vm, one in journal.live.vms.items()}
        live = replace(journal.live, vms=vms, database=None, looks=0, looked_at=None)
        active.journals[run] = replace(journal, live=live)
        return _drive(active, "again", run)
    return _reported(active)


def _reported(active: ActiveProcess) -> bool:
    me = active.me
    job = active.world.scene.jobs[me.job]
    before = Before(job.name, "", Exit(me.code), tuple(active.live(run) for run in me.earlier))
    report = report_of(active.live(me.mine) if me.mine >= 0 else RunState(), before, 0.0)
    runs = me.earlier
    if me.mine >= 0:
        _close(active, me.mine, int(report.exit))
        runs = (*runs, me.mine)
    return _ended(active, int(report.exit), runs)


def _begun(active: ActiveProcess) -> bool:
    """Survey and plan the run. False: there is to be no backup."""
    world, me = active.world, active.me
    job = world.scene.jobs[me.job]
    settled = [active.live(run) for run in me.earlier]
    in_doubt = any(one.name in job.chain for state in settled for one in state.unsure)
    if in_doubt or not world.database or not world.filer or me.stop:
        active.me = replace(me, code=int(Exit.STOPPED if me.stop else Exit.FAILED))
        return False
    run = len(active.journals)
    header = Began(job, world.scene.stamp(run), "vc01", "filer1", world.scene.pace, "", format=2)
    state = RunState()
    active.journals.append(Journal(me.job, state, state, state))
    active.world = world.entered("job", run, value=me.job)
    active.me = replace(me, mine=run)
    active.record(run, header)
    try:
        active.record(run, _surveyed(active, settled, header))
    except SnapallError as error:
        active.me = replace(active.me, code=int(error.exit))
        return False
    return True


def known_to(active: ActiveProcess, job: int, settled: list[RunState]) -> tuple[Origin, ...]:
    """Whose backups the filer's snapshots are (store.JournalStore.known)."""
    newest = next((one.disk for one in reversed(active.journals) if one.job == job and one.disk.surveyed), None)
    known = {(one.volume, one.name, one.date): one for one in (origins(newest) if newest is not None else ())}
    for state in settled:
        for one in origins(state):
            if one.run == state.header.stamp:
                known.setdefault((one.volume, one.name, one.date), one)
    return tuple(known.values())


def _surveyed(active: ActiveProcess, settled: list[RunState], header: Began) -> Surveyed:
    world, job = active.world, header.job
    vms = tuple(vm for vm in world.scene.vms[active.me.job] if vm.id not in world.unregistered)
    rows = tuple(row for row in world.rows if row.vm in {vm.id for vm in vms})
    listings = {volume: world.volumes[volume] for volume in job.volumes}
    past = recall(job, known_to(active, active.me.job, settled), listings)
    owing = tuple(one.disk for run, one in enumerate(active.journals) if run != active.me.mine and not one.closed)
    survey = Survey(vms, rows, listings, "NetApp Release 7.0.2")
    plan = build(job, survey, past, PlanContext(owing, parallel=world.scene.pace.parallel), header.mark)
    return Surveyed(
        commands=(),
        targets=plan.targets,
        present=tuple(row.ssid for row in rows),
        listings=tuple(Listed(volume, rows) for volume, rows in listings.items()),
        origins=past.origins,
        left=tuple(Left(vm, why) for vm, why in plan.left),
        skipped=plan.skipped,
        capture=plan.capture,
        moves=plan.rotation.steps,
        removals=plan.removals,
    )


# Recover


def _next_of_recover(active: ActiveProcess) -> bool:
    me = active.me
    if me.phase == "settle":
        codes = [_settled(active, run) for run in me.cases]
        active.me = replace(me, code=int(worst(*codes)), queue=tuple(range(len(active.world.scene.jobs))), cases=())
    elif me.cases:
        rotation = active.live(me.cases[0]).rotation
        code = Exit.OK if rotation is not None and rotation.whole else Exit.PARTIAL
        _close(active, me.cases[0], int(code))
        active.me = replace(me, code=int(worst(Exit(me.code), code)), cases=())
    while active.me.queue:
        job, *rest = active.me.queue
        active.me = replace(active.me, queue=tuple(rest))
        if (newest := _to_publish(active, job)) is not None:
            active.record(newest, TakenOver("recover", "the rotation is finished"))
            return _drive(active, "rotate", newest)
    return _ended(active, active.me.code, active.me.earlier)


def _settled(active: ActiveProcess, run: int) -> Exit:
    """How the run stands, by recover's own rules; its report is written."""
    state, code = active.live(run), Exit.OK
    if state.filer_outstanding:
        code = Exit.FAILED if state.unsure or state.parts or state.room else Exit.PARTIAL
    code = worst(code, settled_code(state))
    _close(active, run, int(code))
    return code


def _to_publish(active: ActiveProcess, job: int) -> int | None:
    """The newest journal of a job that has something to publish, and that nobody else works on."""
    me, world = active.me, active.world
    if any(one.job == job and one.kind == "run" for one in active.processes) or not world.filer or me.stop:
        return None
    mine = [active.live(run) for run in me.earlier if active.journals[run].job == job]
    if any(state.unsettled for state in mine):
        return None
    known = known_to(active, job, mine)
    scene_job = world.scene.jobs[job]
    listings = {volume: world.volumes[volume] for volume in scene_job.volumes}
    pending = recall(scene_job, known, listings).pending if any(one.temporary for one in known) else ()
    if not any(one.grade >= scene_job.publish for one in pending):
        return None
    return max(run for run, one in enumerate(active.journals) if one.job == job and one.disk.surveyed is not None)

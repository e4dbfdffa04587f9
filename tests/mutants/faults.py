"""Faults that an earlier core had, and promises broken in one line: each must be found by a test of its own."""

from __future__ import annotations

from tests.mutants.planting import Mutant

FAULTS, ENGINE = ("tests/backup/test_faults.py",), ("tests/backup/test_engine.py",)
INTERPLAY = ("tests/backup/test_interplay.py",)
PARTS, STORE = ("tests/backup/test_parts.py",), ("tests/backup/test_store.py",)
BELIEF, DECIDE = ("tests/backup/test_untrue_answers.py",), ("tests/backup/test_decide.py",)

BROKEN = (
    # A late VM waits for the slowest removal
    Mutant(
        "a VM that is quiesced late waits for a place",
        "backup/decide_vms.py",
        "    late = _late(state) if refused is None else frozenset[int]()\n",
        "    late = frozenset[int]()\n",
        FAULTS,
    ),
    Mutant(
        "removals go batch by batch",
        "backup/decide_vms.py",
        "    waiting = [one for one in _in_order(state) if not one.in_flight and",
        "    waiting = [one for one in _in_order(state) if not under_way and",
        FAULTS,
    ),
    Mutant(
        "late snapshots are looked for only after the removals",
        "backup/decide_looks.py",
        "    open_ = ends or any(not one.ids for one in found)",
        "    open_ = ends or all(not one.ids for one in found)",
        FAULTS,
    ),
    # Somebody else's snapshot
    Mutant(
        "a printed id that the survey listed is trusted",
        "backup/changes_vms.py",
        "        case Done(ssid=ssid) if ssid in state.present_ids or _is_of_another(state, one, ssid):\n",
        "        case Done(ssid=ssid) if not ssid:\n",
        FAULTS,
    ),
    Mutant(
        "a printed id of another VM's snapshot is removed",
        "backup/looks.py",
        "        if row.vm != one.vm.id:\n            yield",
        "        if row.vm == 0:\n            yield",
        FAULTS,
    ),
    Mutant(
        "a printed id of another name is removed",
        "backup/looks.py",
        "        elif one.create is not None and not same_name(row.name, one.name):",
        "        elif one.create is None and not same_name(row.name, one.name):",
        FAULTS,
    ),
    Mutant(
        "a printed id is removed without a look at whose it is",
        "backup/decide_vms.py",
        "    if one.fresh or state.database is not None:\n        return True\n",
        "    if one.ids:\n        return True\n",
        DECIDE,
    ),
    Mutant(
        "a withheld id raises no alarm",
        "backup/changes_vms.py",
        "    given_up = (*state.given_up, known) if known.stranger else state.given_up\n",
        "    given_up = state.given_up\n",
        FAULTS,
    ),
    # A refusal guessed from text
    Mutant(
        "a capture that the filer denied was never made",
        "backup/changes_filer.py",
        "        case Done() | Unknown():\n            return replace(one, phase=CapturePhase.ANSWERED)\n",
        "        case Done():\n            return replace(one, phase=CapturePhase.ANSWERED)\n"
        "        case Unknown():\n            return replace(one, phase=CapturePhase.ABSENT)\n",
        FAULTS,
    ),
    Mutant(
        "a create that reported its failure was never sent",
        "backup/changes_vms.py",
        "            phase = VmPhase.FAILED if failed else VmPhase.SILENT\n",
        "            phase = VmPhase.REFUSED if failed else VmPhase.SILENT\n",
        (*BELIEF, *ENGINE),
    ),
    # `plan` after a crash, and the plan of a run
    Mutant(
        "the plan calls a dead run's snapshot foreign",
        "backup/plan.py",
        "_foreign(job, survey, (*context.open_runs, *context.settled_first))\n",
        "_foreign(job, survey, context.open_runs)\n",
        (*PARTS, *STORE),
    ),
    Mutant(
        "the plan does not say what is settled first",
        "backup/plan.py",
        "            found += [Planned(Stage.SETTLE, action, why) for action in looks]\n",
        "",
        (*PARTS, *STORE),
    ),
    # Jobs ignore each other
    Mutant(
        "another job's run is no reason to leave a VM out",
        "backup/run.py",
        "        owing = self.store.states(but=(case.journal.path,))\n",
        "        owing: tuple[RunState, ...] = ()\n",
        FAULTS,
    ),
    Mutant(
        "two running jobs both quiesce a VM",
        "backup/queries.py",
        "for one in state.outstanding if one.vm.id in vms}",
        "for one in state.outstanding if one.vm.id not in vms}",
        FAULTS,
    ),
    Mutant(
        "a VM is claimed after it was asked for",
        "backup/engine.py",
        "for vm in creates if vm in taken]",
        "for vm in creates if vm in ()]",
        FAULTS,
    ),
    # One defect
    Mutant(
        "a defect of the decisions keeps the VMs quiesced",
        "backup/run.py",
        '            case.record(Failed(*defect()), ReleaseBegan("a bug in snapall"))\n'
        "            case.policy = Policy()\n            engine.drive()\n",
        "            raise\n",
        FAULTS,
    ),
    Mutant(
        "an interrupt passes on before the release",
        "backup/run.py",
        '            case.record(ReleaseBegan("an interrupt"))\n            case.policy = Policy()\n'
        "            engine.drive()\n            raise\n",
        "            raise\n",
        INTERPLAY,
    ),
    Mutant(
        "a defect in a call keeps the loop waiting",
        "backup/engine.py",
        "        except BaseException:  # noqa: BLE001 - the loop must hear",
        "        except Exception:  # noqa: BLE001 - the loop must hear",
        INTERPLAY,
    ),
    Mutant(
        "a defect while one run is settled keeps the others from it",
        "backup/context.py",
        "    except Exception:  # noqa: BLE001 - a defect must not keep the VMs quiesced\n        failed(*defect())\n",
        "    except RecursionError:\n        failed(*defect())\n",
        ("tests/backup/test_review.py",),
    ),
    # A refused login
    Mutant(
        "a refused login is tried for every VM",
        "backup/changes_vms.py",
        "            if outcome.login and not any_created(state):\n",
        "            if outcome.login and any_created(state):\n",
        FAULTS,
    ),
    Mutant(
        "a login that is refused after a success stops the creates",
        "backup/changes_vms.py",
        "            if outcome.login and not any_created(state):\n",
        "            if outcome.login:\n",
        FAULTS,
    ),
    Mutant(
        "a program that cannot be started is started for every VM",
        "backup/changes_vms.py",
        "            state = replace(state, login=why) if no_program else state\n",
        "",
        FAULTS,
    ),
    Mutant(
        "removals after a refused login go without a pause",
        "backup/decide_vms.py",
        "LOGIN_PAUSE = 10.0 ",
        "LOGIN_PAUSE = 0.0 ",
        FAULTS,
    ),
    Mutant(
        "removals after a refused login go several at a time",
        "backup/decide_vms.py",
        "    places = 1 if refused is not None else state.header.pace.parallel\n",
        "    places = state.header.pace.parallel\n",
        FAULTS,
    ),
    # After a signal
    Mutant(
        "without a capture no VM was quiesced",
        "backup/certificate.py",
        "    if may_be and one.removals and not one.after_capture:\n",
        "    if one.removals and not one.after_capture:\n",
        FAULTS,
    ),
)

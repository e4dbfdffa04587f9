"""Mutants of operate/ by file: audit, doctor, hooks."""

from __future__ import annotations

from tests.mutants.planting import Mutant

AUDIT = ("tests/operate/test_audit_sources.py", "tests/operate/test_audit.py")
DOCTOR = ("tests/operate/test_doctor.py",)
HOOKS = ("tests/end_to_end/test_hooks.py",)

LOOKS = (
    Mutant(
        "a snapshot outstanding in an open run is orphaned",
        "operate/audit.py",
        "if row.ssid in known or row.vm not in placed:",
        "if row.vm not in placed:",
        AUDIT,
    ),
    Mutant(
        "a skipped VM is one that a job takes",
        "operate/audit.py",
        " and one.job.policies.of(vm) is not VmPolicy.SKIP",
        "",
        AUDIT,
    ),
    Mutant(
        "an audit with findings is clean",
        "operate/audit.py",
        "        return all(one.kind.informational",
        "        return any(one.kind.informational",
        AUDIT,
    ),
    Mutant(
        "VMs whose names differ in capitals are two",
        "operate/audit.py",
        "named.setdefault(vm.name.lower(), [])",
        "named.setdefault(vm.name, [])",
        AUDIT,
    ),
    Mutant(
        "every tagged snapshot belongs to the chain",
        "operate/audit_filer.py",
        "        if row.name in ours and row.tags:\n",
        "        if row.tags:\n",
        AUDIT,
    ),
    Mutant(
        "the oldest name is a gap when it is missing",
        "operate/audit_filer.py",
        "range(max(there, default=0))",
        "range(len(job.chain))",
        AUDIT,
    ),
    Mutant(
        "a snapshot of another date under the name is not noticed",
        "operate/audit_filer.py",
        "and expected and not any(one.date == row.date",
        "and not expected and not any(one.date == row.date",
        AUDIT,
    ),
    Mutant(
        "a full volume has room",
        "operate/doctor/filers.py",
        "    if len(rows) > MOST:\n",
        "    if len(rows) > MOST + 1:\n",
        DOCTOR,
    ),
    Mutant(
        "an unanswered query counts as a missing right",
        "operate/doctor/filers.py",
        "error.hint if isinstance(error, NoAnswer) else remedy, error.code\n",
        "remedy, error.code\n",
        DOCTOR,
    ),
    Mutant(
        "a filer that does not answer is asked again and again",
        "operate/doctor/filers.py",
        "                    self._silence = command, NoAnswer(error.message, remedy, code=error.code)\n"
        "                    raise self._silence[1] from error\n",
        "                    raise NoAnswer(error.message, remedy) from error\n",
        DOCTOR,
    ),
    Mutant(
        "the group may read the secrets",
        "backup/trust.py",
        "stat.S_IROTH and about.st_uid != me() and is_private(about)\n",
        "stat.S_IROTH\n",
        DOCTOR,
    ),
    Mutant(
        "what everybody can write is trusted",
        "backup/trust.py",
        "    if about.st_mode & stat.S_IWOTH:\n        yield Doubt(Breach.EVERYBODY",
        "    if about.st_mode & stat.S_IXOTH:\n        yield Doubt(Breach.EVERYBODY",
        DOCTOR,
    ),
    Mutant(
        "a hook gets the secrets in its environment",
        "operate/hooks.py",
        "environ = environment_without(self.settings.secret_variables) | {",
        "environ = environment_without(()) | {",
        HOOKS,
    ),
    Mutant(
        "a before-hook that fails stops nothing",
        "operate/hooks.py",
        "        if trouble and self._hooks.required:\n            raise SnapallError(\n",
        "        if not trouble and self._hooks.required:\n            raise SnapallError(\n",
        HOOKS,
    ),
    Mutant(
        "on_failure runs after a success too",
        "operate/hooks.py",
        "self._hooks.on_failure if code is not Exit.OK else ()",
        "self._hooks.on_failure",
        HOOKS,
    ),
    Mutant(
        "after runs for a run that did not begin",
        "operate/hooks.py",
        "self._hooks.after if report is not None else ()",
        "self._hooks.after",
        HOOKS,
    ),
)

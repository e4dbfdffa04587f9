"""Names for what records give only by number: VMs, and commands."""

from __future__ import annotations

from snapall.backup.facts import Adopted, Answered, Began, Intent, Surveyed
from snapall.backup.model import Job, Vm
from snapall.backup.record import OutstandingFound, Record
from snapall.backup.steps import Done, Quiesce, Release, Step


class Labels:
    """Learns from every record, in order, for the views that put records into words.

    A stream may carry several runs, since earlier ones are settled first, and each numbers its own commands.
    """

    def __init__(self) -> None:
        self.job: Job | None = None  # of the run itself; None before its header
        self._vms: dict[int, Vm] = {}
        self._steps: dict[tuple[str, int], Step] = {}
        self._unanswered: dict[tuple[str, int], Step] = {}
        self._created: set[int] = set()
        self._run = ""  # of the last record

    @property
    def unanswered(self) -> tuple[Step, ...]:
        """The commands without an answer, in the order in which they were sent."""
        return tuple(self._unanswered.values())

    def learn(self, record: Record) -> Step | None:
        """Take one record in; return the step that it answers, if any."""
        self._run = record.run
        match record.what:
            case Began(job):
                self.job = job
            case Surveyed() as what:
                self._vms |= {vm.id: vm for vm in (*what.targets, *(one.vm for one in what.left), *what.skipped)}
            case OutstandingFound(vm) | Adopted(vm):
                self._vms[vm.id] = vm
            case Intent(n, step):
                self._steps[self._run, n] = self._unanswered[self._run, n] = step
                if isinstance(step, Quiesce | Release):
                    self._vms.setdefault(step.vm.id, step.vm)
            case Answered(n, outcome):
                answered = self._unanswered.pop((self._run, n), None)
                if isinstance(answered, Quiesce) and isinstance(outcome, Done):
                    self._created.add(answered.vm.id)
                return answered
            case _:
                pass
        return None

    def vm(self, vm: int) -> str:
        """The VM's name, if known, and its moref."""
        return self._vms.get(vm, Vm(vm)).label

    def step(self, n: int) -> Step | None:
        """The command with this number, in the run of the last record."""
        return self._steps.get((self._run, n))

    def created(self, vm: int) -> bool:
        """Whether the VM's create was answered with success, so that the id of its snapshot is known."""
        return vm in self._created

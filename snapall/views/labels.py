"""What records name only by number: the VMs, and the commands that were sent."""

from __future__ import annotations

from snapall.backup.facts import Adopted, Answered, Began, Intent, Surveyed
from snapall.backup.model import Job, Vm
from snapall.backup.record import OutstandingFound, Record
from snapall.backup.steps import Done, Quiesce, Release, Step


class Labels:
    """Fed with every record, in order; asked by the views that put records into words.

    A stream may carry several runs, earlier ones that are settled among them, and each numbers its commands by itself.
    """

    def __init__(self) -> None:
        self.job: Job | None = None  # of the run itself; None: it has not begun, or only earlier ones are settled
        self._vms: dict[int, Vm] = {}
        self._steps: dict[tuple[str, int], Step] = {}
        self._unanswered: dict[tuple[str, int], Step] = {}
        self._created: set[int] = set()
        self._run = ""  # of the last record

    @property
    def unanswered(self) -> tuple[Step, ...]:
        """The commands without an answer, as they were sent."""
        return tuple(self._unanswered.values())

    def learn(self, record: Record) -> Step | None:
        """Take a record in. The result is the step that it answers, if it is an answer to a known one."""
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
        """The VM's name and moref, as far as they are known."""
        return self._vms.get(vm, Vm(vm)).label

    def step(self, n: int) -> Step | None:
        """The command of this number, of the run that the last record is about."""
        return self._steps.get((self._run, n))

    def created(self, vm: int) -> bool:
        """Whether the VM's create was answered with success, so that the id of its snapshot is no news."""
        return vm in self._created

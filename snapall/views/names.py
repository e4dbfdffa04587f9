"""What records name only by number: the VMs, and the commands that were sent."""

from __future__ import annotations

from snapall.backup.model import Job, Vm
from snapall.backup.record import Adopted, Answered, Began, Intent, OutstandingFound, Surveyed, What
from snapall.backup.steps import Done, Quiesce, Release, Step


class Names:
    """Fed with every record, in order; asked by the views that put records into words.

    A stream may carry several runs (earlier ones are settled first), each of which numbers its commands by itself: an
    answer belongs to the latest command of its number that is still unanswered.
    """

    def __init__(self) -> None:
        self.job: Job | None = None  # of the run itself; None: it has not begun, or only earlier ones are settled
        self._vms: dict[int, Vm] = {}
        self._steps: dict[int, Step] = {}
        self._unanswered: dict[int, list[Step]] = {}
        self._created: set[int] = set()

    @property
    def unanswered(self) -> tuple[Step, ...]:
        """The commands without an answer, in the order of their numbers."""
        return tuple(step for n in sorted(self._unanswered) for step in self._unanswered[n])

    def learn(self, what: What) -> Step | None:
        """Take a record in. The result is the step that it answers, if it is an answer to a known one."""
        match what:
            case Began(job):
                self.job = job
            case Surveyed():
                self._vms |= {vm.id: vm for vm in (*what.targets, *(one.vm for one in what.left), *what.skipped)}
            case OutstandingFound(vm) | Adopted(vm):
                self._vms[vm.id] = vm
            case Intent(n, step):
                self._sent(n, step)
            case Answered(n, outcome):
                step_ = self._answered(n)
                if isinstance(step_, Quiesce) and isinstance(outcome, Done):
                    self._created.add(step_.vm.id)
                return step_
            case _:
                pass
        return None

    def _sent(self, n: int, step: Step) -> None:
        self._steps[n] = step
        self._unanswered.setdefault(n, []).append(step)
        if isinstance(step, Quiesce | Release):
            self._vms.setdefault(step.vm.id, step.vm)

    def _answered(self, n: int) -> Step | None:
        waiting = self._unanswered.get(n)
        if not waiting:
            return None
        step = waiting.pop()
        if not waiting:
            del self._unanswered[n]
        return step

    def vm(self, vm: int) -> str:
        """The VM's name and moref, as far as they are known."""
        return self._vms.get(vm, Vm(vm)).label

    def step(self, n: int) -> Step | None:
        """The latest command of this number."""
        return self._steps.get(n)

    def created(self, vm: int) -> bool:
        """Whether the VM's create was answered with success, so that the id of its snapshot is no news."""
        return vm in self._created

"""What is explored of a restore, and how a counterexample reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.explore.restore import transitions
from tests.explore.restore.system import RestoreScene, RestoreSystem, start
from tests.explore.search import Found

ONE = ("/vol/v/sql",)
SCENES = {
    "mount": RestoreScene("two LUNs are mounted, and unmounted", unmount=True),
    "apart": RestoreScene("one LUN is mounted, and unmounted", ONE, unmount=True, inherits=False),
    "meddling": RestoreScene("one LUN is mounted, and somebody meddles", ONE, unmount=True, meddling=True),
    "split": RestoreScene("two LUNs are mounted, and their clones split", split=True),
    "swap": RestoreScene("two LUNs are swapped", swap=True),
    "swap1": RestoreScene("one LUN is swapped", ONE, swap=True),
}


@dataclass(frozen=True, slots=True)
class Restore:
    """One restore, and whoever settles it."""

    scene: RestoreScene

    def start(self) -> RestoreSystem:
        """The beginning."""
        return start(self.scene)

    def transitions(self, system: RestoreSystem) -> Iterable[transitions.Event]:
        """Everything that can happen next."""
        return transitions.events(system)

    def key(self, system: RestoreSystem) -> object:
        """Equal for systems that go on in the same way."""
        return transitions.key(system)

    def require(self, system: RestoreSystem) -> None:
        """Violation: such a system must never be."""
        transitions.require(system)

    def rests(self, system: RestoreSystem, *, calm: bool) -> None:
        """Violation: this is no rest."""
        transitions.rests(system, calm=calm)


def counterexample(found: Found) -> str:
    """The path to a broken promise, one line for each step."""
    return "\n".join(
        [found.scene.name, *(f"{n:4} {label}" for n, label in enumerate(found.path, 1)), str(found.broken)]
    )

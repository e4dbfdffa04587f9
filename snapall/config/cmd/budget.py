"""What a rehearsal may use: an endless loop and a variable that doubles end it soon."""

from __future__ import annotations

from snapall.config.cmd.puzzle import Puzzle

_WORK = 5_000_000  # characters that are read, expanded and split
_OUTPUT = 4_000_000  # characters that are written
_ENVIRONMENT = 65_536  # characters of all variables; Windows Server 2003 has half of it
_DEEPEST = 90


class Budget:
    """Counts what is used. Each method raises Puzzle where too much is."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._work = _WORK
        self._output = _OUTPUT
        self._environment = 0
        self._depth = 0

    def step(self, work: int = 0) -> None:
        """Count a statement, and the characters that it is made of."""
        self._steps -= 1
        self._work -= work
        if self._steps < 0 or self._work < 0:
            raise Puzzle("the batch runs too long here; it may wait in a loop for something", "leave the loop out")

    def output(self, size: int) -> None:
        """Count text that is written."""
        self._output -= size
        if self._output < 0:
            raise Puzzle("the batch writes too much", "leave the loop out")

    def environment(self, change: int) -> None:
        """Count a change of the variables' size."""
        self._environment += change
        if change > 0 and self._environment > _ENVIRONMENT:
            raise Puzzle("the variables grow too large", "leave the loop out")

    def deeper(self, levels: int = 1) -> None:
        """Enter a block, a subroutine or another batch."""
        self._depth += levels
        if self._depth > _DEEPEST:
            raise Puzzle("blocks and calls are nested too deeply; a subroutine may call itself", "leave the call out")

    def back(self, levels: int = 1) -> None:
        """Leave it again."""
        self._depth -= levels

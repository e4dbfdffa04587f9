"""What ends a rehearsal: something that it does not know, or more than it may use."""

from __future__ import annotations


class Puzzle(Exception):
    """The batch says something that this interpreter does not know. No text of it quotes a value."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def syntax_error(what: str) -> Puzzle:
    """Return the Puzzle for what cmd itself would not accept: it ends the batch at that line."""
    return Puzzle(f"cmd reports a syntax error here and ends the batch: {what}", "correct the line")


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
            raise Puzzle("the batch runs too long; it may wait for something in a loop", "remove the loop")

    def output(self, size: int) -> None:
        """Count text that is written."""
        self._output -= size
        if self._output < 0:
            raise Puzzle("the batch writes too much", "remove the loop")

    def environment(self, change: int) -> None:
        """Count a change of the variables' size."""
        self._environment += change
        if change > 0 and self._environment > _ENVIRONMENT:
            raise Puzzle("the variables grow too large", "remove the loop")

    def deeper(self, levels: int = 1) -> None:
        """Enter a block, a subroutine or another batch."""
        self._depth += levels
        if self._depth > _DEEPEST:
            raise Puzzle("blocks and calls are nested too deeply; a subroutine may call itself", "remove the call")

    def back(self, levels: int = 1) -> None:
        """Leave it again."""
        self._depth -= levels

"""PROVING: runs on the lab that are killed, or struck by a fault, at every external call, and what they left behind."""

from snapall.errors import SnapallError


class NotOnWindows(SnapallError):
    """The drill forks and kills processes."""

    def __init__(self) -> None:
        super().__init__(
            "the drill does not run on Windows", "run it on Linux with a copy of the configuration", "SA-7016"
        )

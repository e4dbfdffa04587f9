"""PROVING: runs on the lab that are killed, or struck by a fault, at every external call, and what was left behind."""

from snapall.errors import SnapallError


class NotHere(SnapallError):
    """The drill forks, and kills what it forked: Windows has neither."""

    def __init__(self) -> None:
        super().__init__("the drill does not run on Windows", "run it with a copy of the configuration on Linux")

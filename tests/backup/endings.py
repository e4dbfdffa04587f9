"""Runs on the simulated site, each with another ending."""

from __future__ import annotations

from tests.backup.simulated import Stage, capture_of, lose, quiesce_of, refuse, release_of


def whole(stage: Stage) -> None:
    stage.night()


def partial(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()


def without_a_capture(stage: Stage) -> None:
    stage.site.fail(capture_of(), refuse("No space left on device"))
    stage.night()


def left_quiesced(stage: Stage) -> None:
    stage.site.fail(release_of(110), lose)
    stage.night()

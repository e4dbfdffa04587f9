"""Beside a run: its guardian."""

READY = "ready"  # the guardian's word, before which nothing is quiesced

"""Telling: listeners and reports; they never decide."""

"""Hostile input for everything that snapall reads: `python -m tests.hostile --inputs 10000` prints a line a reader."""

"""The commands that a rehearsed batch sends: what each does for the backup, or that it is no part of it."""

"""The run-book of a backup: the commands that restore it by hand."""

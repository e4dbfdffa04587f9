"""The commands, one file a kind: they parse, call, print and exit, and decide nothing."""

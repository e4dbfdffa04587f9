"""The commands in their order -> the tables of a snapall.toml."""

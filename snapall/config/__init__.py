"""Configuration: snapall.toml, or an old batch file, read into frozen settings."""

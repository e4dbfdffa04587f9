"""The schedule of `snapall run` and `snapall recover`: rendered for each scheduler, read back, and judged. Pure."""

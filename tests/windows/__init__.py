"""snapall on Windows: the tests that need one, or Wine."""

"""snapall against the recordings of the original batch, scenario by scenario."""

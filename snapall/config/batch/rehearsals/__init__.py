"""The nights of a batch: what a good one sends, and what it must not do on others."""

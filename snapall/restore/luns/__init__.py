"""LUNs as the filer's commands show and change them: its dialect, its answers, and the client that speaks it."""

"""Everything around the runs: doctor, status, audit, statistics, history, hooks, guardian."""

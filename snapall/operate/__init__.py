"""Looking after backups: doctor, status, audit, statistics, history, hooks, guardian."""

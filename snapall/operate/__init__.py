"""What looks after the backups beside the runs themselves."""

"""Programs around the backup -> hooks of the job."""

"""Using a backup: mount, restore, run-book, vmx files, replication and verify."""

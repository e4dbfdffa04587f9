"""What a person or a program reads: console, log file, JSON, metrics, reports. Views decide nothing."""

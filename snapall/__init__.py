"""snapall: array-snapshot backups of VMware virtual machines on a NetApp filer."""

__version__ = "0.1.0"

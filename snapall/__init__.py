"""snapall: array-snapshot backups of VMware virtual machines on a NetApp filer."""

__version__ = "0.2.0.dev0"

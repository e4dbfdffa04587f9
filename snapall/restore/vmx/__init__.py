"""Copies of the VMs' vmx files from the service consoles."""

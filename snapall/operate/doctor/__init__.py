"""The doctor: each link of the chain from the configuration to the filer, looked at in order; nothing is changed."""

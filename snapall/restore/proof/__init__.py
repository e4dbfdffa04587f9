"""The proof that a backup can be read: clones of its LUNs, read and taken down."""

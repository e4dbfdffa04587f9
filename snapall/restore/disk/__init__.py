"""What a disk says of itself: its partition table and its file systems, read from a device."""

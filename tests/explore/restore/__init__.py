"""Everything that can happen to a mount, an unmount, a swap and `recover`: the restore's own state and decisions."""

"""SnapMirror and SnapVault: a second site's copies."""

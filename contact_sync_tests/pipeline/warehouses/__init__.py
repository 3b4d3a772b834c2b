"""The same bronze on every warehouse: what one builds, all build."""

"""Published clients of other people, unmodified, against the simulated systems; skipped where not installed."""

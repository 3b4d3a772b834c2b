"""Golden files: the parts of the system whose every change should be seen in a review."""

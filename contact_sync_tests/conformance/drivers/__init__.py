"""Scripts that run inside a client's own environment; they import nothing of ours."""

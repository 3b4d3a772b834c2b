"""What identity resolution finds, and what it costs, on contacts whose truth is known."""

"""One extraction: what to read, read it, count it, publish it. The command line and the assets use the same code."""

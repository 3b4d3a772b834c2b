"""The parts of salesforce_extract.py: bodies, the server that sends them, and the readers that are compared."""

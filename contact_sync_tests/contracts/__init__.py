"""Contracts: what every implementation of a port, and the repository as a whole, must obey."""

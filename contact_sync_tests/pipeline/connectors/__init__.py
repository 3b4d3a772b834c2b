"""Connectors against servers that speak the real protocols."""

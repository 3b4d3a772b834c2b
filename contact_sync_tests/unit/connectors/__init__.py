"""Connectors, each against a scripted system."""

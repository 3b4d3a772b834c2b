"""Extraction from simulated systems into bronze."""

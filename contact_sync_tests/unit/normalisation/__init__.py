"""Tests of normalising single values, and of remembering the answers."""

"""Unit tests of the operational database."""

"""Unit tests of extraction."""

"""Tests of what the assets show."""

"""Tests of how runs are started and logged, without starting any."""

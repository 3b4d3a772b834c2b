"""Tests of contact_sync.simulator."""

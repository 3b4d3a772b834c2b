"""Tests of contact_sync.sync."""

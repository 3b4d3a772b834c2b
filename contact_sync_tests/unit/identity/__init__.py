"""Tests of contact_sync.identity."""

"""Tests of contact_sync.lake."""

"""Tests of contact_sync.warehouse."""

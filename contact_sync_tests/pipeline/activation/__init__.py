"""Tests of the way back: plan, apply and reconcile over simulated systems."""

"""Tests of the assets, sensors and alerts, on a small simulated world."""

"""Tests of one module at a time, in the folders of the package."""

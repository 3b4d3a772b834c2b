"""Tests of the command line on real servers: what it prints, and how it ends."""

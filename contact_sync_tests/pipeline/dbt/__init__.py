"""Tests of the dbt project on hand-made bronze tables."""

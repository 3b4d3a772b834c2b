"""Tests of measuring, judging and remembering the quality of silver."""

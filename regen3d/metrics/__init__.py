"""Numbers that judge scenes: pure functions."""

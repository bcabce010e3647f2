"""Placing objects: pose search, refinement and support."""

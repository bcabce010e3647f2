"""Judging scenes against the truth: results, other systems' output, tables, reports."""

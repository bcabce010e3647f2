"""Timed comparisons with the truth; run one with `python -m benchmarks.NAME --help`."""

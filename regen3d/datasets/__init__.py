"""Scenes with ground truth: readers of the formats that the field uses, all converted into our frames."""

"""One scene in, a file that a studio opens out."""

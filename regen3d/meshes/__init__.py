"""What every mesh must be, whoever made it: clean, closed, laid out without overlap, and light enough."""

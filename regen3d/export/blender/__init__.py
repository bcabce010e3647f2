"""Formats that only Blender writes well, through its Python module in a process of its own."""

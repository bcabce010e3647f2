"""Asset generators: a textured mesh from the picture of one object."""

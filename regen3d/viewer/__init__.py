"""The scene viewer: what a web page needs to show a scene in three dimensions, from one file or from a server."""

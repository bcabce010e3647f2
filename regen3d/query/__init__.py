"""Application-Querying: ask an image model for one whole object, by a picture that looks like an application."""

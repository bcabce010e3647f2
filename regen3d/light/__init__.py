"""The light of a picture: estimated, taken off colours, written as an environment."""

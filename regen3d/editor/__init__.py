"""The mask editor: a page on loopback in which a person mends what was found, and what it hands back."""

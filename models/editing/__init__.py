"""Image editors: the empty room (plate) and the whole object (completion)."""

"""Published evaluation protocols by name, and our own: `regen3d.metrics.protocols.registry` runs them."""

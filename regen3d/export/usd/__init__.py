"""Scenes as OpenUSD: an assembly of components, each with geometry, materials and physics in layers of their own."""

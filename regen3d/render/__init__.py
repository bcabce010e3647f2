"""Rendering meshes into pictures: one z-buffer, one soft silhouette."""

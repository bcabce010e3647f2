"""Geometry estimators: camera and point maps from picture and plate."""

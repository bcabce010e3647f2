"""Segmenters: one picture in, object instances out."""

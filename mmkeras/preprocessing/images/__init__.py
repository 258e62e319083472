"""Decoding and conversion of image files, in graph."""

"""Transforms of datasets of samples."""

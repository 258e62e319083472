"""Metrics of retrieval."""

"""Accuracy of answers."""

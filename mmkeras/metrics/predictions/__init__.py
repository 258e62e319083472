"""Scores of class predictions and regressions."""

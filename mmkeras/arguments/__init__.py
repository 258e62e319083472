"""Checks of arguments that all rooms share."""

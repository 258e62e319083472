"""Checks of arguments that all rooms share."""

from mmkeras.arguments.settings import check_settings, setting

__all__ = ["check_settings", "setting"]

"""Checks of arguments and settings, with errors that name the remedy."""

from mmkeras.arguments.check_choice import check_choice
from mmkeras.arguments.real_number import real_number
from mmkeras.arguments.refuse_unknown_arguments import refuse_unknown_arguments
from mmkeras.arguments.settings import check_settings, setting, setting_types
from mmkeras.arguments.whole_number import whole_number

__all__ = [
    "check_choice",
    "check_settings",
    "real_number",
    "refuse_unknown_arguments",
    "setting",
    "setting_types",
    "whole_number",
]

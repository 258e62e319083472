"""Keras losses."""

from mmkeras.losses.masked_crossentropy import MaskedCrossentropy

__all__ = ["MaskedCrossentropy"]

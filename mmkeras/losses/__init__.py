"""Keras losses."""

from mmkeras.losses.answer_crossentropy import AnswerCrossentropy
from mmkeras.losses.masked_crossentropy import MaskedCrossentropy

__all__ = ["AnswerCrossentropy", "MaskedCrossentropy"]

"""Keras losses."""

from mmkeras.losses.answer_crossentropy import AnswerCrossentropy
from mmkeras.losses.masked_crossentropy import MaskedCrossentropy
from mmkeras.losses.soft_score_crossentropy import SoftScoreCrossentropy

__all__ = ["AnswerCrossentropy", "MaskedCrossentropy", "SoftScoreCrossentropy"]

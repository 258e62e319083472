"""Decoding strategies over an abstract step."""

from mmkeras.decoding.beam_search import BeamSearch
from mmkeras.decoding.decoding_result import DecodingResult
from mmkeras.decoding.greedy_search import GreedySearch

__all__ = ["BeamSearch", "DecodingResult", "GreedySearch"]

"""Decoding strategies over an abstract step."""

from mmkeras.decoding.beam_search import BeamSearch
from mmkeras.decoding.decoding_options import DecodingOptions
from mmkeras.decoding.decoding_result import DecodingResult
from mmkeras.decoding.greedy_search import GreedySearch
from mmkeras.decoding.random_sampling import RandomSampling
from mmkeras.decoding.required_tokens import RequiredTokens
from mmkeras.decoding.stepwise_search import StepwiseSearch
from mmkeras.decoding.token_constraints import TokenConstraints

__all__ = [
    "BeamSearch",
    "DecodingOptions",
    "DecodingResult",
    "GreedySearch",
    "RandomSampling",
    "RequiredTokens",
    "StepwiseSearch",
    "TokenConstraints",
]

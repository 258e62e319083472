"""Decoding strategies: search over an abstract step of a text decoder."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "beam_search": ["BeamSearch"],
        "decoding_options": ["DecodingOptions"],
        "decoding_result": ["DecodingResult"],
        "greedy_search": ["GreedySearch"],
        "random_sampling": ["RandomSampling"],
        "required_tokens": ["RequiredTokens"],
        "stepwise_search": ["StepwiseSearch"],
        "strategy": ["build_search"],
        "token_constraints": ["TokenConstraints"],
    },
)

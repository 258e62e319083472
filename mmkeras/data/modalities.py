from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mmkeras.preprocessing import ImageModality, Modality, TextModality

# What functions of samples know unless they are given other modalities.
MODALITIES: tuple[Modality, ...] = (ImageModality(), TextModality("question"))


def encoded_modality(
    spec: Any, modalities: Iterable[Modality] | None = None
) -> Modality | None:
    """The first modality of samples whose values are encoded, such as images.

    Args:
        spec: the `element_spec` of a dataset, or a sample.
        modalities: iterable of `Modality`, or `None` for images.

    Returns:
        A `Modality`, or `None` if the samples have none of these.
    """
    if not isinstance(spec, Mapping):
        return None
    encoded = (m for m in modalities or MODALITIES if m.encoded and m.is_in(spec))
    return next(encoded, None)


def is_batched(spec: Any, modalities: Iterable[Modality] | None = None) -> bool:
    """Whether samples are batched, by the rank of their first encoded modality.

    Args:
        spec: the `element_spec` of a dataset, or a sample.
        modalities: iterable of `Modality`, or `None` for images.

    Returns:
        bool; `False` for samples without an encoded modality, which do not tell.
    """
    modality = encoded_modality(spec, modalities)
    return modality is not None and modality.batched(spec)

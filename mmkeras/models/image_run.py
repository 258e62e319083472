from __future__ import annotations

import dataclasses
from typing import Any

from mmkeras.arguments import setting
from mmkeras.models.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageRun(Run):
    """The settings that training runs of all tasks with images share.

    Args:
        image_encoder: string, as `from_data` of the task accepts it.
        image_size: int, side of the images in pixels, or `None` for the encoder's
            own.
        trainable_encoder: bool, whether to train the image encoder, or `None` to train
            it unless it is pretrained.
        hidden_dim: int, dimension of the layers.
        dropout: float, dropout rate.
        unfreeze_layers: int, number of last layers of the image encoder to train
            (`ImageEncoder.unfreeze`), or `None` to leave them as they are.
        encoder_rate: float, factor of the image encoder's learning rate.
        feature_cache: string, folder to keep the features of a frozen image encoder in
            (`Task.cache_features`); `None` to keep them for the duration of the
            training where `fit` can.
    """

    image_encoder: str = setting(
        "small_cnn",
        "small_cnn, efficientnet_lite0, _lite1 or _lite2; or a Keras 2 model (.h5, "
        ".keras or a SavedModel folder)",
        role="model",
    )
    image_size: int | None = setting(
        None,
        "side of the images in pixels (default: the encoder's)",
        minimum=1,
        role="model",
    )
    trainable_encoder: bool | None = setting(
        None, "train the image encoder (default: unless it is pretrained)", role="model"
    )
    hidden_dim: int = setting(128, "dimension of the layers", minimum=1, role="model")
    dropout: float = setting(0.1, "dropout rate", minimum=0, below=1, role="model")
    unfreeze_layers: int | None = setting(
        None,
        "number of last layers of the image encoder to train (default: unchanged)",
        minimum=0,
    )
    encoder_rate: float = setting(
        1.0, "factor of the image encoder's learning rate", above=0
    )
    feature_cache: str | None = setting(
        None,
        "folder to keep the features of a frozen image encoder in (default: temporary)",
    )

    def arguments(self, role: str) -> dict[str, Any]:
        """The fields of a role, by name; `encoder_rate` as the factor of a part."""
        found = super().arguments(role)
        if role == "compile" and self.encoder_rate != 1:
            found["learning_rate_factors"] = {"image_encoder": self.encoder_rate}
        return found

    def _check_lora(self) -> None:
        super()._check_lora()
        if self.lora_rank is None:
            return
        for name, off in (("unfreeze_layers", None), ("encoder_rate", 1.0)):
            if getattr(self, name) != off:
                raise ValueError(
                    f"`lora_rank` freezes the weights that `{name}` is about. Give one "
                    f"of the two. Received: lora_rank={self.lora_rank}, "
                    f"{name}={getattr(self, name)!r}."
                )

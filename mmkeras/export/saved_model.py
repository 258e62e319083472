from __future__ import annotations

import os
import pathlib
import shutil

import keras
import tensorflow as tf

from mmkeras.decoding import DecodingOptions

_FILES = {"saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra"}


def export_saved_model(
    task,
    path: str | os.PathLike,
    n_best: int = 3,
    overwrite: bool = False,
    **options,
) -> None:
    """Writes a captioner as a SavedModel: image bytes in, strings out.

    The signatures take `image_bytes`, string `[batch]` (TF Serving's REST API
    decodes base64 for names with this suffix), and never fail as a whole: a row
    whose picture cannot be read has an empty caption and says why in `error`.

    - `serving_default`: `caption` string `[batch]`, `score` float32 `[batch]`,
      `error` string `[batch]`.
    - `n_best`: `captions` string `[batch, n_best]`, `scores` float32
      `[batch, n_best]`, `error`; by beam search with at least `n_best` beams.
    - `token_ids`: `token_ids` int32 `[batch, max_length]`, `score`, `error`.

    It loads with `tensorflow` alone.

    Args:
        task: an `ImageCaptioner`.
        path: folder to write, for TF Serving one that is named by a version
            number, e.g. `"export/captioner/1"`.
        n_best: int, captions of the signature `n_best`.
        overwrite: bool, whether to replace the SavedModel that is in the folder.
        **options: of `mmkeras.decoding.DecodingOptions` but for `num_captions`, for
            all signatures. `n_best` is by beam search with at least as many beams as
            it has captions, or draws as many.

    Raises:
        FileExistsError: if the folder has files and `overwrite` is `False`, or they
            are not those of a SavedModel.
        ValueError: if an option is out of range.
    """
    if not isinstance(n_best, int) or n_best < 1:
        raise ValueError(
            f"`n_best` must be an integer of at least 1. Received: n_best={n_best!r}."
        )
    path = pathlib.Path(path)
    _check_folder(path, overwrite)
    if "num_captions" in options:
        raise ValueError(
            "An export has one caption in `serving_default` and several in the "
            "signature `n_best`: give `n_best` in place of `num_captions`. Received: "
            f"num_captions={options['num_captions']!r}."
        )
    best = task.generator(**options)
    several = task.generator(**_several(options, n_best))
    serve = _Server(task)
    # The endpoints bring the weights that they use. Tracking the backbone too
    # would write all weights a second time.
    archive = keras.export.ExportArchive()
    signature = [tf.TensorSpec([None], tf.string, name="image_bytes")]
    endpoints = {
        "serving_default": lambda image_bytes: serve.caption(best, image_bytes),
        "n_best": lambda image_bytes: serve.n_best(several, image_bytes, n_best),
        "token_ids": lambda image_bytes: serve.token_ids(best, image_bytes),
    }
    for name, function in endpoints.items():
        # Traced here, or the archive would compile them with autograph, which
        # rewrites the loops of decoding.
        traced = tf.function(function, input_signature=signature, autograph=False)
        archive.add_endpoint(name, traced)
    # Written beside it first, so that the old one is there until the new one is.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        archive.write_out(os.fspath(partial), verbose=False)
        if path.is_dir():
            shutil.rmtree(path)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _several(options, n_best) -> dict:
    if DecodingOptions(**options).samples:
        return {**options, "num_captions": n_best}
    beams = max(n_best, options.get("num_beams", 1))
    # Of groups of beams there must be as many in each.
    groups = options.get("num_beam_groups") or 1
    return {**options, "num_beams": -(-beams // groups) * groups}


def _check_folder(path: pathlib.Path, overwrite: bool) -> None:
    if path.is_file() or path.is_symlink():
        raise FileExistsError(f"{path} is a file or a link. Choose another folder.")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not overwrite:
        raise FileExistsError(
            f"{path} is not empty. Choose another folder, or pass overwrite=True."
        )
    others = sorted({item.name for item in path.iterdir()} - _FILES)
    if others:
        raise FileExistsError(
            f"{path} holds other files than a SavedModel, which are not overwritten: "
            f"{', '.join(others[:3])}. Choose another folder."
        )


class _Server:
    """The bodies of the signatures."""

    def __init__(self, task):
        self._preprocessor = task.preprocessor

    def _decode(self, generator, image_bytes):
        images, error = self._preprocessor.image_converter.convert(image_bytes)
        rows = tf.shape(images)[0]
        # Convolutions refuse an empty batch, so it is given one blank picture.
        spare = tf.maximum(1 - rows, 0)
        result = generator(tf.pad(images, [[0, spare], [0, 0], [0, 0], [0, 0]]))
        result = tf.nest.map_structure(lambda x: x[:rows], result)
        return result, error, tf.equal(error, "")

    def _texts(self, token_ids):
        return self._preprocessor.generate_postprocess(token_ids)

    def caption(self, generator, image_bytes):
        result, error, fine = self._decode(generator, image_bytes)
        texts = self._texts(result.token_ids[:, 0])
        return {
            "caption": tf.where(fine, texts, ""),
            "score": tf.where(fine, result.scores[:, 0], 0.0),
            "error": error,
        }

    def n_best(self, generator, image_bytes, number):
        result, error, fine = self._decode(generator, image_bytes)
        fine = tf.expand_dims(fine, 1)
        ids = result.token_ids[:, :number]
        texts = self._texts(tf.reshape(ids, [-1, ids.shape[-1]]))
        texts = tf.reshape(texts, [-1, number])
        return {
            "captions": tf.where(fine, texts, ""),
            "scores": tf.where(fine, result.scores[:, :number], 0.0),
            "error": error,
        }

    def token_ids(self, generator, image_bytes):
        result, error, fine = self._decode(generator, image_bytes)
        ids = result.token_ids[:, 0]
        return {
            "token_ids": tf.where(tf.expand_dims(fine, 1), ids, 0),
            "score": tf.where(fine, result.scores[:, 0], 0.0),
            "error": error,
        }

"""What exports ask of a task, without a model: exported in no time."""

import tensorflow as tf


class PlainTask:
    """Its signature `serving_default` repeats the text that it is given.

    Args:
        times: int, how often, as a default of the option `times`.
    """

    def __init__(self, times: int = 1):
        self.times = tf.Variable(times)

    def signatures(self, more: int = 0):
        def serve(image_bytes, question):
            answer = tf.strings.reduce_join(
                tf.repeat(question[:, None], self.times + more, axis=1), axis=1
            )
            return {"answer": answer, "error": tf.strings.substr(image_bytes, 0, 0)}

        names = ("image_bytes", "question")
        inputs = [tf.TensorSpec([None], tf.string, name=name) for name in names]
        return {"serving_default": (serve, inputs)}


def answer(path, text: str = "ab") -> str:
    """The answer of an exported `PlainTask`."""
    model = tf.saved_model.load(str(path))
    outputs = model.signatures["serving_default"](
        image_bytes=tf.constant([b"x"]), question=tf.constant([text])
    )
    return outputs["answer"].numpy()[0].decode()

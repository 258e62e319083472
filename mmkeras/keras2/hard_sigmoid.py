import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mmkeras")
def hard_sigmoid(x):
    """`clip(x / 5 + 1 / 2, 0, 1)`, the hard sigmoid of Keras 2.

    That of Keras 3 has a slope of 1/6.
    """
    return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)

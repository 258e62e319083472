import keras


@keras.saving.register_keras_serializable(package="mmkeras")
class InferenceBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation that uses its statistics in training too, and keeps them.

    What Keras 2 does with the layers of a model that is called with `training=False`
    within another. Keras 3 forgets that when the other is trained.

    Args:
        **kwargs: as `keras.layers.BatchNormalization`.
    """

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=False, mask=mask)

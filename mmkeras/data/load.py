import tensorflow_datasets as tfds
def load(name, split, **kw):
    import mmkeras.datasets
    b=tfds.builder(name); b.download_and_prepare()
    return b.as_dataset(split=split, decoders={"image": tfds.decode.SkipDecoding()})

import tensorflow as tf
def batch_samples(dataset, batch_size, shuffle_buffer=None, seed=None, drop_remainder=False):
    if dataset.element_spec["image"].shape.rank: return dataset
    if shuffle_buffer: dataset=dataset.shuffle(shuffle_buffer, seed=seed, reshuffle_each_iteration=True)
    return dataset.ragged_batch(batch_size, drop_remainder=drop_remainder).prefetch(2)

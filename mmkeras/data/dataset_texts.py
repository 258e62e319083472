import tensorflow as tf
def caption_texts(dataset):
    for s in dataset:
        for c in s["captions"].numpy(): yield c.decode()

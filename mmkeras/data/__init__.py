from mmkeras.data.batch import batch_samples
from mmkeras.data.dataset_texts import caption_texts
from mmkeras.data.load import load

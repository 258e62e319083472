# File names in a folder that are taken for images: the formats that mmkeras decodes.
# Here, where both the sources, which import TensorFlow, and the command, which lists
# images without it, may import it.
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".webp")

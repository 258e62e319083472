"""Tiny datasets in the official formats, for the sources and the recipes."""

import json

import tensorflow as tf

_THINGS = ("cat", "dog", "bird")


def captions_of(index):
    """Two captions of each image, which no two images share."""
    thing = _THINGS[index % 3]
    return [f"A {thing} near {index} trees .", f"the {thing} number {index}"]


def write_image(path, index):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = tf.fill([32, 32, 3], tf.cast(index * 15 % 256, tf.uint8))
    path.write_bytes(tf.io.encode_jpeg(pixels).numpy())


def karpathy(folder, name, splits, coco=False):
    """`name` with an image for each of `splits`; returns its path."""
    entries = []
    for index, split in enumerate(splits):
        entry = {
            "filename": f"{index:012d}.jpg",
            "imgid": index,
            "split": split,
            "sentences": [
                {"raw": raw, "tokens": raw.lower().split(), "imgid": index}
                for raw in captions_of(index)
            ],
        }
        if coco:
            entry |= {"cocoid": 100 + index, "filepath": "val2014"}
        write_image(folder / entry.get("filepath", "images") / entry["filename"], index)
        entries.append(entry)
    path = folder / name
    path.write_text(json.dumps({"dataset": "tiny", "images": entries}))
    return path


def flickr8k(folder, splits):
    """`Flickr8k.token.txt` with its three lists; returns its path."""
    rows, lists = [], {"train": [], "dev": [], "test": []}
    for index, split in enumerate(splits):
        name = f"{index}_ab.jpg"
        write_image(folder / "Flicker8k_Dataset" / name, index)
        rows += [f"{name}#{i}\t{text}" for i, text in enumerate(captions_of(index))]
        lists[split].append(name)
    for split, names in lists.items():
        (folder / f"Flickr_8k.{split}Images.txt").write_text("\n".join(names) + "\n")
    path = folder / "Flickr8k.token.txt"
    path.write_text("\n".join(rows) + "\n")
    return path


def conceptual(folder, table, images, number, dead=()):
    """`table` and its images, but for the `dead` ones; returns its path."""
    rows = ["caption\turl"]
    for index in range(number):
        caption, address = captions_of(index)[0], f"http://x.org/{index}.jpg"
        rows.append(f"{caption}\t{address}")
        if index not in dead:
            file = folder / images / "00000" / f"{index:09d}.jpg"
            write_image(file, index)
            file.with_suffix(".txt").write_text(caption)
            file.with_suffix(".json").write_text(json.dumps({"url": address}))
    path = folder / table
    path.write_text("\n".join(rows) + "\n")
    return path

"""Scores of captions against pycocoevalcap, as ratios in one run.

    python benchmarks/caption_metrics.py --peer VENV/bin/python

The peer is a Python with pycocoevalcap, and Java on the path. Both tokenise 5,000
images with five references each and give BLEU-1 to BLEU-4, ROUGE_L and CIDEr-D; each
run is a process of its own, ours and theirs in turn. "cold" counts the references,
"cached" does not, as in each epoch of `fit`; the peer has no cache.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

_OURS = """
import json, resource, sys, time
from mmkeras.metrics import CaptionReferences, evaluate_captions
data = json.load(open(sys.argv[1]))
names = ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE_L", "CIDEr-D"]
start = time.perf_counter()
references = CaptionReferences(data["references"])
scores = evaluate_captions(references, data["hypotheses"], names)
cold = time.perf_counter() - start
start = time.perf_counter()
evaluate_captions(references, data["hypotheses"], names)
cached = time.perf_counter() - start
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"cold": cold, "cached": cached, "MB": memory, "scores": scores}))
"""
_THEIRS = """
import contextlib, io, json, sys, time
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
data = json.load(open(sys.argv[1]))
start = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):
    wrap = lambda texts: [{"caption": text} for text in texts]
    tokenizer = PTBTokenizer()
    references = tokenizer.tokenize({k: wrap(v) for k, v in data["references"].items()})
    captions = tokenizer.tokenize({k: wrap([v]) for k, v in data["hypotheses"].items()})
    bleu, _ = Bleu(4).compute_score(references, captions, verbose=0)
    rouge, _ = Rouge().compute_score(references, captions)
    cider, _ = Cider().compute_score(references, captions)
seconds = time.perf_counter() - start
scores = {f"BLEU-{n + 1}": value for n, value in enumerate(bleu)}
scores.update({"ROUGE_L": float(rouge), "CIDEr-D": float(cider)})
print(json.dumps({"cold": seconds, "scores": scores}))
"""
_THINGS = (
    "man woman dog cat bus street table plate pizza train horse giraffe elephant "
    "kitchen laptop surfboard wave skateboard boy girl player court ball bench park"
).split()
_LIKENESS = "small large red white black-and-white young old brown man's 2 busy".split()
_DOING = "sitting standing riding holding eating walking playing looking parked".split()
_WHERE = "in on with near by under over".split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, help="Python with pycocoevalcap")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "captions.json"
        path.write_text(json.dumps(_captions(args.images)), "utf-8")
        pairs = [
            (_run(sys.executable, _OURS, path), _run(args.peer, _THEIRS, path))
            for _ in range(args.runs)
        ]
    print(json.dumps(_report(pairs), indent=2))


def _report(pairs: list[tuple[dict, dict]]) -> dict:
    ours, theirs = zip(*pairs, strict=True)
    scores = ours[0]["scores"]
    peer = statistics.median(run["cold"] for run in theirs)
    report = {"peer_seconds": peer}
    for name in ("cold", "cached"):
        report[f"{name}_seconds"] = statistics.median(run[name] for run in ours)
        report[f"{name}_times_faster"] = statistics.median(
            other["cold"] / run[name] for run, other in pairs
        )
    report["MB"] = max(run["MB"] for run in ours)
    report["largest_difference"] = max(
        abs(value - theirs[0]["scores"][name]) for name, value in scores.items()
    )
    return report


def _run(python: str, code: str, path: pathlib.Path) -> dict:
    command = [python, "-c", code, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _captions(images: int, seed: int = 0) -> dict:
    draw = random.Random(seed)
    references = {
        str(image): [_caption(draw) for _ in range(5)] for image in range(images)
    }
    # Half of a reference, half of another: some n-grams match, as those of a model.
    hypotheses = {
        image: " ".join(texts[0].split()[:6] + texts[1].split()[6:])
        for image, texts in references.items()
    }
    return {"references": references, "hypotheses": hypotheses}


def _caption(draw: random.Random) -> str:
    words = ["A", draw.choice(_LIKENESS), draw.choice(_THINGS), draw.choice(_DOING)]
    for _ in range(draw.randint(1, 2)):
        words += [draw.choice(_WHERE), "a", draw.choice(_THINGS)]
    return " ".join(words) + draw.choice([".", ".", ""])


if __name__ == "__main__":
    main()

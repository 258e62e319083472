"""Compare decoding with Hugging Face `generate()`, in one run, at equal size.

    python benchmarks/decoding.py --peer PYTHON

`PYTHON` is the interpreter of a separate environment:

    python -m venv peer && peer/bin/pip install torch==2.13.0 transformers==4.57.6

Both sides decode exactly 20 tokens over 49 image tokens with 4 decoder layers, a
dimension of 256, feed-forward parts of 1,024, 8 heads and 8,000 tokens, random weights,
no end token and no penalties. They run in turns. Prints the medians, and the ratio of
the peer's time to ours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

LAYERS, DIM, HEADS, FEED, VOCABULARY, REGIONS, LENGTH = 4, 256, 8, 1024, 8000, 49, 20
CASES = [(1, 1), (32, 1), (1, 4), (32, 4)]
PEER = "--as-peer"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=sys.executable, help="Python of the peer")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--no-xla", action="store_true")
    parser.add_argument(PEER, action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.as_peer:
        answer(HuggingFace())
        return
    ours, peer = Mmkeras(not args.no_xla), Peer(args.peer)
    for batch, beams in CASES:
        times: dict[str, list[float]] = {"ours": [], "peer": []}
        # The first run of each compiles, and is not counted.
        for pair in range(args.pairs + 1):
            found = {"ours": ours.run(batch, beams), "peer": peer.run(batch, beams)}
            for name, seconds in found.items():
                times[name] += [seconds] if pair else []
        medians = {name: statistics.median(found) for name, found in times.items()}
        print(
            f"batch {batch:2}, beams {beams}: ours {1000 * medians['ours']:.0f} ms, "
            f"peer {1000 * medians['peer']:.0f} ms, "
            f"ratio {medians['peer'] / medians['ours']:.2f}",
            flush=True,
        )
    peer.stop()


class Mmkeras:
    """The decoder of a captioner, from image tokens to text."""

    def __init__(self, xla: bool):
        import keras
        import tensorflow as tf

        from mmkeras.layers import TextDecoder

        keras.utils.set_random_seed(0)
        self._decoder = TextDecoder(
            VOCABULARY, LENGTH, DIM, LAYERS, HEADS, FEED, word_attention=False
        )
        self._decoder(tf.zeros([1, LENGTH], tf.int32), tf.zeros([1, REGIONS, DIM]))
        self._xla = xla
        self._runs = {}

    def run(self, batch: int, beams: int) -> float:
        import tensorflow as tf

        if (batch, beams) not in self._runs:
            self._runs[batch, beams] = self._make(batch, beams)
        memory = tf.random.normal([batch, REGIONS, DIM])
        start = time.perf_counter()
        written = self._runs[batch, beams](memory).numpy()
        seconds = time.perf_counter() - start
        assert written.shape == (batch, beams, LENGTH)
        return seconds

    def _make(self, batch, beams):
        import tensorflow as tf

        from mmkeras.decoding import BeamSearch, GreedySearch

        # No token of the vocabulary ends a text.
        special = {"start_token_id": 1, "end_token_id": VOCABULARY, "pad_token_id": 0}
        if beams == 1:
            search = GreedySearch(**special)
        else:
            search = BeamSearch(beams, **special)
        decoder = self._decoder

        def decode(memory):
            cache, fixed = decoder.start(memory, beams, LENGTH, self._xla)

            def step(token_ids, position, cache, lineage):
                return decoder.step(token_ids, position, cache, fixed, lineage)

            return search(step, cache, batch, LENGTH).token_ids

        return tf.function(
            decode,
            input_signature=[tf.TensorSpec([batch, REGIONS, DIM])],
            autograph=False,
            jit_compile=self._xla,
        )


class HuggingFace:
    """The peer: a Bart decoder of the same size, given the output of an encoder."""

    def __init__(self):
        import torch
        from transformers import BartConfig, BartForConditionalGeneration

        torch.manual_seed(0)
        config = BartConfig(
            vocab_size=VOCABULARY,
            d_model=DIM,
            encoder_layers=1,
            decoder_layers=LAYERS,
            encoder_attention_heads=HEADS,
            decoder_attention_heads=HEADS,
            encoder_ffn_dim=FEED,
            decoder_ffn_dim=FEED,
            forced_eos_token_id=None,
            eos_token_id=None,
        )
        self._model = BartForConditionalGeneration(config).eval()

    def run(self, batch: int, beams: int) -> float:
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        memory = torch.randn(batch, REGIONS, DIM)
        start = time.perf_counter()
        with torch.inference_mode():
            written = self._model.generate(
                encoder_outputs=BaseModelOutput(last_hidden_state=memory),
                num_beams=beams,
                do_sample=False,
                min_new_tokens=LENGTH,
                max_new_tokens=LENGTH,
                eos_token_id=None,
                pad_token_id=0,
                decoder_start_token_id=1,
            )
        seconds = time.perf_counter() - start
        assert written.shape[1] == LENGTH + 1
        return seconds


class Peer:
    """`HuggingFace` in another process, which serves one request at a time."""

    def __init__(self, python: str):
        self._process = subprocess.Popen(
            [python, __file__, PEER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, batch: int, beams: int) -> float:
        print(json.dumps([batch, beams]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(
                "The peer stopped. Give the Python of an environment that has torch "
                "and transformers: --peer PYTHON"
            )
        return json.loads(line)

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def answer(side: HuggingFace) -> None:
    for line in sys.stdin:
        print(json.dumps(side.run(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

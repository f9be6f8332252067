"""Weights for tests of the second reading: few and random ones in the package's own form, and the layers worked out
step by step in double precision, as the published model has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from backend.scoring.encoder_file import (
    BLOCK,
    FEED_FORWARD,
    HEADS,
    POSITIONS,
    WIDTH,
    Weights,
    encoder_file,
    unpacked,
)

PIECES = (
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁query",
    ":",
    "▁hello",
    "▁anna",
    "▁a",
    "b",
    "c",
    "Д",
    ".",
    ",",
)
LAYERS = (1, 2)


def tiny_weights(layers: int = max(LAYERS)) -> Weights:
    """Fifteen pieces and two layers."""
    drawn = np.random.default_rng(7)

    def packed(rows: int, width: int) -> NDArray[np.void]:
        blocks = np.zeros(rows * width // BLOCK, [("scale", "<f2"), ("quads", "u1", (BLOCK // 2,))])
        blocks["scale"] = drawn.uniform(0.005, 0.02, len(blocks))
        blocks["quads"] = drawn.integers(0, 256, (len(blocks), BLOCK // 2))
        return blocks

    def plain(count: int, spread: float = 0.05, middle: float = 0.0) -> NDArray[np.float32]:
        return drawn.normal(middle, spread, count).astype(np.float32)

    tensors: dict[str, NDArray[np.generic]] = {
        "emb.word": packed(len(PIECES), WIDTH),
        "emb.pos": plain(POSITIONS * WIDTH),
        "emb.type": plain(2 * WIDTH),
    }
    norms = ["emb.ln", *(f"l{layer}.{name}" for layer in range(layers) for name in ("aln", "oln"))]
    for norm in norms:
        tensors |= {f"{norm}.w": plain(WIDTH, middle=1.0), f"{norm}.b": plain(WIDTH)}
    for layer in range(layers):
        for name, rows, width in (
            *((name, WIDTH, WIDTH) for name in ("q", "k", "v", "ao")),
            ("fi", FEED_FORWARD, WIDTH),
            ("fo", WIDTH, FEED_FORWARD),
        ):
            tensors |= {f"l{layer}.{name}.w": packed(rows, width), f"l{layer}.{name}.b": plain(rows)}
    scores = [0.0] * 4 + [-float(place) for place in range(4, len(PIECES))]
    return Weights(list(PIECES), scores, {ord("\n"): " ", ord("Ａ"): "a"}, tensors)


@cache
def tiny_encoder() -> bytes:
    return encoder_file(tiny_weights(), LAYERS)


class WorkedOut:
    """The layers of some weights, one step after the other."""

    def __init__(self, weights: Weights, layers: Sequence[int]) -> None:
        self._layers, self._words = layers, weights.tensors["emb.word"].reshape(-1, WIDTH // BLOCK)
        self._numbers = {
            name: value.astype(np.float64)
            if value.dtype == np.float32
            else unpacked(value, FEED_FORWARD if name.endswith("fo.w") else WIDTH).T.astype(np.float64)
            for name, value in weights.tensors.items()
            if name != "emb.word"
            and not name.startswith(tuple(f"l{layer}." for layer in range(max(layers), 12)))
        }

    def means(self, pieces: Sequence[int]) -> NDArray[np.float64]:
        """The means after the layers, of pieces by their numbers among all of the package's."""
        t, count = self._numbers, len(pieces)
        words = unpacked(self._words[list(pieces)], WIDTH).astype(np.float64)
        x = self._norm(
            words + t["emb.pos"].reshape(POSITIONS, WIDTH)[:count] + t["emb.type"][:WIDTH], "emb.ln"
        )
        means = []
        for layer in range(max(self._layers)):
            q, k, v = (
                self._times(x, f"l{layer}.{name}").reshape(count, HEADS, -1).transpose(1, 0, 2)
                for name in "qkv"
            )
            likeness = np.exp(q @ k.transpose(0, 2, 1) / math.sqrt(WIDTH / HEADS))
            seen = ((likeness / likeness.sum(axis=-1, keepdims=True)) @ v).transpose(1, 0, 2)
            x = self._norm(x + self._times(seen.reshape(count, WIDTH), f"l{layer}.ao"), f"l{layer}.aln")
            inner = self._times(x, f"l{layer}.fi")
            inner = inner * (erf(inner / math.sqrt(2)) + 1) / 2
            x = self._norm(x + self._times(inner, f"l{layer}.fo"), f"l{layer}.oln")
            if layer + 1 in self._layers:
                means.append(x.mean(axis=0))
        return np.concatenate(means)

    def _norm(self, x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        spread = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-12)
        return (x - x.mean(axis=-1, keepdims=True)) / spread * self._numbers[f"{name}.w"] + self._numbers[
            f"{name}.b"
        ]

    def _times(self, x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return x @ self._numbers[f"{name}.w"] + self._numbers[f"{name}.b"]


def alike(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The cosine of the angle between them: 1 where they say the same."""
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

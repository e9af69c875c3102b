"""Models from a folder: what they embed, how they are told apart, what is said of a wrong one."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from analyst.memory.embedding import make_embedder
from analyst.memory.errors import EmbeddingError

TOKENIZER = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": None,
    "decoder": None,
    "model": {
        "type": "WordLevel",
        "vocab": {"[PAD]": 0, "rain": 1, "price": 2},
        "unk_token": "[PAD]",
    },
}
# A graph that looks up tokens: rain is (1, 0), price is (0, 1).
LOOK_UP = base64.b64decode(
    "CAgSADqhAQoZCgF0CglpbnB1dF9pZHMSAWgiBkdhdGhlchIBZyojCAMIAhABQgF0ShgAAAAAAAAAAAAAgD8AAAAAAAAA"
    "AAAAgD9aHQoJaW5wdXRfaWRzEhAKDggHEgoKAxIBYQoDEgFiWiIKDmF0dGVudGlvbl9tYXNrEhAKDggHEgoKAxIBYQoD"
    "EgFiYhkKAWgSFAoSCAESDgoDEgFhCgMSAWIKAggCQgQKABAN"
)


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "a model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(LOOK_UP)
    (folder / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    config = {"model_max_length": 16, "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]"}))
    (folder / "config.json").write_text(json.dumps({"hidden_size": 2, "pad_token_id": 0}))
    return folder


def test_fastembed_takes_a_model_from_a_folder(model, tmp_path):
    pytest.importorskip("fastembed", reason="the extra fastembed is not installed")
    for _ in range(2):
        embedder = make_embedder(f"fastembed:{model}")
        found = embedder.embed(["rain", "price price", "rain price"])
        assert found == pytest.approx(np.array([[1, 0], [0, 1], [0.7071, 0.7071]]), abs=1e-3)
    (model / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EmbeddingError, match="Name another folder"):
        make_embedder(f"fastembed:{model}").embed(["rain"])


def test_a_folder_without_a_model_is_a_sentence(model, monkeypatch):
    (model / "model.onnx").rename(model / "other.onnx")
    (model / "tokenizer.json").unlink()
    embedder = make_embedder(f"fastembed:{model}")
    with pytest.raises(EmbeddingError, match=r"no model\.onnx, no tokenizer\.json in it"):
        embedder.embed(["rain"])
    monkeypatch.chdir(model.parent)
    with pytest.raises(EmbeddingError, match=f"fastembed:{model.parent}/nowhere names no folder"):
        make_embedder("fastembed:./nowhere").embed(["rain"])


def test_vectors_of_a_folder_are_told_apart_by_the_model(model):
    name = make_embedder(f"fastembed:{model}").name
    moved = model.rename(model.parent / "elsewhere")
    (moved / "onnx").mkdir()
    (moved / "model.onnx").rename(moved / "onnx" / "model.onnx")
    again = make_embedder(f"fastembed:{moved}").name
    assert again.split()[-1] == name.split()[-1]
    (moved / "onnx" / "model.onnx").write_bytes(LOOK_UP[:-1] + b"\x0e")
    assert make_embedder(f"fastembed:{moved}").name != again

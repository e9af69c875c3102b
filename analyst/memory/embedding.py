"""Embeddings of questions: three ways to compute them, one interface.

By default ``wordllama``, whose weights are inside its wheel: offline, 0.05 ms a text. Or the
embeddings of an OpenAI-compatible endpoint; or ``fastembed``, where it is installed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analyst.memory.errors import EmbeddingError

Vectors = np.ndarray[Any, np.dtype[np.float32]]

_BATCH = 256


class Embedder(ABC):
    """Computes embeddings; safe in any thread. ``name`` tells vectors of different ones apart."""

    name: str

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, float32 of shape (n, d); raises :class:`EmbeddingError`."""


class WordLlamaEmbedder(Embedder):
    """Static token embeddings of ``wordllama``: 256 dimensions."""

    name = "wordllama-256"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors; raises :class:`EmbeddingError`."""
        with self._lock:
            if self._model is None:
                self._model = _load_wordllama()
            found = self._model.embed([text or " " for text in texts], norm=True)
        return np.ascontiguousarray(found, np.float32)


class EndpointEmbedder(Embedder):
    """The embeddings of an endpoint that speaks OpenAI's protocol."""

    def __init__(self, *, base_url: str | None, api_key: str | None, model: str) -> None:
        self.name = f"{model} at {base_url or 'OpenAI'}"
        self._base_url = base_url
        self._api_key = api_key
        self._model = model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors; raises :class:`EmbeddingError`."""
        import openai  # noqa: PLC0415 - slow to import

        found: list[list[float]] = []
        try:
            with openai.OpenAI(
                base_url=self._base_url, api_key=self._api_key or "none", timeout=30, max_retries=1
            ) as client:
                for start in range(0, len(texts), _BATCH):
                    piece = [text or " " for text in texts[start : start + _BATCH]]
                    answer = client.embeddings.create(
                        model=self._model, input=piece, encoding_format="float"
                    )
                    found += [one.embedding for one in answer.data]
        except openai.OpenAIError as error:
            raise EmbeddingError(
                f"The embeddings of {self.name} cannot be had: {str(error)[:200]}. Check the "
                "setting embedding, or set embedding=wordllama, which needs no network."
            ) from error
        return _unit(found, len(texts), self.name)


class FastEmbedEmbedder(Embedder):
    """A local ONNX model by ``fastembed``, an extra: stronger, and a thousand times slower."""

    def __init__(self, model: str = "sentence-transformers/all-MiniLM-L6-v2") -> None:
        self.name = f"fastembed {model}"
        self._model_name = model
        self._lock = threading.Lock()
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors; raises :class:`EmbeddingError`."""
        with self._lock:
            if self._model is None:
                self._model = self._load()
            found = [*self._model.embed([text or " " for text in texts])]
        return _unit(found, len(texts), self.name)

    def _load(self) -> Any:
        try:
            from fastembed import TextEmbedding  # type: ignore[import-not-found]  # noqa: PLC0415
        except ImportError as error:
            raise EmbeddingError(
                "The setting embedding=fastembed needs the package fastembed: "
                "pip install 'jupyter-analyst[fastembed]'."
            ) from error
        try:
            return TextEmbedding(self._model_name)
        except Exception as error:
            raise EmbeddingError(
                f"fastembed cannot load {self._model_name}: {str(error)[:200]}. It fetches its "
                "weights once; embedding=wordllama needs no network."
            ) from error


def make_embedder(
    setting: str, *, base_url: str | None = None, api_key: str | None = None
) -> Embedder:
    """Return what a setting names: ``wordllama``, ``fastembed[:MODEL]`` or ``endpoint:MODEL``.

    Raises :class:`EmbeddingError` for another one.
    """
    kind, _, model = setting.partition(":")
    makers: dict[str, Callable[[], Embedder]] = {
        "wordllama": WordLlamaEmbedder,
        "fastembed": lambda: FastEmbedEmbedder(model) if model else FastEmbedEmbedder(),
        "endpoint": lambda: EndpointEmbedder(base_url=base_url, api_key=api_key, model=model),
    }
    if kind not in makers or (kind == "endpoint") > bool(model):
        raise EmbeddingError(
            f"embedding={setting} is not known; it can be wordllama, fastembed, or "
            "endpoint:MODEL, for instance endpoint:text-embedding-3-small."
        )
    return makers[kind]()


@contextlib.contextmanager
def _logging_as_it_was() -> Iterator[None]:
    """Undo what a library does to logging as it is imported: everything would be shown."""
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def _load_wordllama() -> Any:
    try:
        with _logging_as_it_was():
            import wordllama  # noqa: PLC0415 - slow to import

        folder = Path(wordllama.__file__).parent
        return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
    except Exception as error:
        raise EmbeddingError(
            f"The weights of wordllama cannot be loaded ({str(error)[:200]}); install it again: "
            "pip install --force-reinstall wordllama."
        ) from error


def _unit(found: Sequence[Any], count: int, name: str) -> Vectors:
    try:
        vectors = np.asarray(found, np.float32).reshape(count, -1)
    except ValueError:
        raise EmbeddingError(f"{name} returned embeddings of different lengths.") from None
    if not np.isfinite(vectors).all():
        raise EmbeddingError(f"{name} returned embeddings that are no numbers.")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(norms, 1e-12), np.float32)

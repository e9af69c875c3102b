"""Embeddings of questions: three ways to compute them, one interface.

By default ``wordllama``, whose weights are inside its wheel: offline, 0.05 ms a text. Or the
embeddings of an OpenAI-compatible endpoint; or ``fastembed``, where it is installed. Not here:
which of them answers while one is not ready (:mod:`analyst.memory.serving`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analyst.memory.errors import EmbeddingError

Vectors = np.ndarray[Any, np.dtype[np.float32]]

_BATCH = 256
_PIECE = 1 << 16


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
    """A local ONNX model by ``fastembed``, an extra: stronger, and a hundred times slower."""

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
            try:
                found = [*self._model.embed([text or " " for text in texts])]
            except Exception as error:
                raise EmbeddingError(
                    f"{self.name} failed: {str(error)[:200]}. embedding=wordllama needs no model."
                ) from error
        return _unit(found, len(texts), self.name)

    def _load(self) -> Any:
        made = _fastembed().TextEmbedding
        try:
            return made(self._model_name, threads=_threads())
        except Exception as error:
            raise EmbeddingError(
                f"fastembed cannot load {self._model_name}: {str(error)[:200]}. It fetches its "
                "weights once; name a folder that holds them (embedding=fastembed:/FOLDER), or "
                "set embedding=wordllama, which needs no network."
            ) from error


class FolderEmbedder(FastEmbedEmbedder):
    """A model by ``fastembed`` whose files lie in a folder, as sentence-transformers has them.

    ``model.onnx``, there or in ``onnx/``, and the files of its tokenizer. Its vectors are known
    by the model, not by the path: the folder may move.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._folder = Path(folder).expanduser().absolute()
        missing = [name for name in _TOKENIZER_FILES if not (self._folder / name).is_file()]
        inside = [name for name in _MODEL_FILES if (self._folder / name).is_file()]
        self._file = inside[0] if inside else None
        self._missing = [*([] if inside else _MODEL_FILES[:1]), *missing]
        if self._file is not None and not missing:
            try:
                mark = _mark(self._folder / self._file)
            except OSError:
                self._missing = [f"{self._file} that may be read"]
            else:
                self.name = f"fastembed {self._folder.name[:100]} {mark}"

    def _load(self) -> Any:
        if self._file is None or self._missing:
            raise EmbeddingError(
                f"embedding=fastembed:{self._folder} names no folder of a model: there is no "
                f"{', no '.join(self._missing)} in it. Put the files there and start again, or "
                "set embedding=wordllama."
            )
        fastembed = _fastembed()
        try:
            from fastembed.common.model_description import (  # noqa: PLC0415
                ModelSource,
                PoolingType,
            )

            pooling = _json(self._folder / "1_Pooling" / "config.json")
            by_first = bool(pooling.get("pooling_mode_cls_token"))
            known = {one["model"] for one in fastembed.TextEmbedding.list_supported_models()}
            if self.name not in known:
                fastembed.TextEmbedding.add_custom_model(
                    self.name,
                    pooling=PoolingType.CLS if by_first else PoolingType.MEAN,
                    normalization=True,
                    sources=ModelSource(url="file:///"),
                    dim=int(_json(self._folder / "config.json").get("hidden_size", 0)),
                    model_file=self._file,
                )
            return fastembed.TextEmbedding(
                self.name, specific_model_path=str(self._folder), threads=_threads()
            )
        except Exception as error:
            raise EmbeddingError(
                f"fastembed cannot load the model in {self._folder}: {str(error)[:200]}. Name "
                "another folder, or set embedding=wordllama."
            ) from error


_MODEL_FILES = ("model.onnx", "onnx/model.onnx")
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "config.json",
)


def make_embedder(
    setting: str, *, base_url: str | None = None, api_key: str | None = None
) -> Embedder:
    """Return what a setting names: ``wordllama``, ``fastembed[:MODEL]`` or ``endpoint:MODEL``.

    A ``MODEL`` of fastembed that begins with ``/``, ``~`` or ``.`` is a folder. Raises
    :class:`EmbeddingError` for another setting.
    """
    kind, _, model = setting.partition(":")
    makers: dict[str, Callable[[], Embedder]] = {
        "wordllama": WordLlamaEmbedder,
        "fastembed": lambda: _of_fastembed(model),
        "endpoint": lambda: EndpointEmbedder(base_url=base_url, api_key=api_key, model=model),
    }
    if kind not in makers or (kind == "endpoint") > bool(model):
        raise EmbeddingError(
            f"embedding={setting} is not known; it can be wordllama, fastembed, "
            "fastembed:/FOLDER, or endpoint:MODEL, for instance endpoint:text-embedding-3-small."
        )
    return makers[kind]()


def _of_fastembed(model: str) -> Embedder:
    if model.startswith(("/", "~", ".")):
        return FolderEmbedder(model)
    return FastEmbedEmbedder(model) if model else FastEmbedEmbedder()


def _fastembed() -> Any:
    try:
        import fastembed  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EmbeddingError(
            "The setting embedding=fastembed needs the package fastembed: "
            "pip install 'jupyter-analyst[fastembed]'."
        ) from error
    with contextlib.suppress(ImportError):
        from loguru import logger  # noqa: PLC0415

        # Else each try for its weights is printed; what is wrong is told in a sentence.
        logger.disable("fastembed")
    return fastembed


def _threads() -> int:
    """Return how many threads compute: half of the cores, as analyses run beside it."""
    return max(1, (os.cpu_count() or 1) // 2)


def _mark(path: Path) -> str:
    """Return what tells a model from others, without reading all of its hundred megabytes."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        known = hashlib.sha256(str(size).encode())
        for at in (0, size // 2, max(0, size - _PIECE)):
            file.seek(at)
            known.update(file.read(_PIECE))
    return known.hexdigest()[:12]


def _json(path: Path) -> dict[str, Any]:
    """Return what stands in a file; nothing if there is none."""
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}


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

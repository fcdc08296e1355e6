"""Meaning as vectors: a sentence-transformers model on one CPU thread, away from the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bot.errors import Misconfigured
from bot.memory.vectors import Vector

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 32
LONGEST_REASON = 300
ENGLISH_BGE_INSTRUCTION = "Represent this sentence for searching relevant passages: "
"""What the English models BAAI/bge-*-en* expect before a query; bge-m3 and others take none."""
Load = Callable[[str], Any]
"""Makes something that speaks like a SentenceTransformer."""


class Encoder:
    """Turns texts into normalised vectors. Use it as a context manager: it owns a thread."""

    def __init__(self, name: str, model: Any, thread: ThreadPoolExecutor) -> None:
        self._model = model
        self._thread = thread
        self.width = int(model.get_embedding_dimension())
        about = f"{name}|{self.width}|{model.max_seq_length}"
        self.fingerprint = hashlib.sha256(about.encode()).digest()[:8]

    @classmethod
    async def load(cls, name: str, *, load: Load | None = None) -> Encoder:
        """The model of that name or folder.

        Raises:
            Misconfigured: sentence-transformers is not installed, or there is no such model.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        loop = asyncio.get_running_loop()
        try:
            model = await loop.run_in_executor(thread, load or _load, name)
        except BaseException as error:  # boundary: a model's files fail in their own ways, and the thread must not stay
            thread.shutdown(wait=False)
            if isinstance(error, Misconfigured) or not isinstance(error, Exception):
                raise
            raise _unusable(name, error) from error
        return cls(name, model, thread)

    async def documents(self, texts: Sequence[str]) -> Vector:
        """One vector a text; what is longer than the model's window is cut."""
        return await self._run(self._model.encode_document, list(texts))

    async def query(self, text: str) -> Vector:
        """The vector of a question, with the model's own instruction for queries."""
        vector: Vector = (await self._run(self._model.encode_query, [text]))[0]
        return vector

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, encode: Callable[..., Any], texts: list[str]) -> Vector:
        def work() -> Vector:
            vectors = encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
            return np.asarray(vectors, dtype=np.float16)

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _load(name: str) -> SentenceTransformer:
    if importlib.util.find_spec("sentence_transformers") is None:
        raise Misconfigured(
            f"The encoder {name!r} needs sentence-transformers: pip install 'nightdesk[embeddings]', "
            "or leave NIGHTDESK_ENCODER empty for lexical recall."
        )
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - heavy, only with an encoder

    importlib.import_module("transformers.utils.logging").disable_progress_bar()  # a log has no use for it
    importlib.import_module("torch").set_num_threads(1)  # on shared CPUs more threads are slower
    return SentenceTransformer(name, device="cpu", prompts=_prompts(name))


def _unusable(name: str, error: Exception) -> Misconfigured:
    """One line, whatever the libraries wrote."""
    why = " ".join(str(error).split())[:LONGEST_REASON].rstrip(".") or type(error).__name__
    return Misconfigured(
        f"The encoder {name!r} cannot be loaded ({why}): set NIGHTDESK_ENCODER to a folder with a "
        "sentence-transformers model, to a model's name, or leave it empty for lexical recall."
    )


def _prompts(name: str) -> dict[str, str] | None:
    lowered = name.casefold()
    return {"query": ENGLISH_BGE_INSTRUCTION} if "bge-" in lowered and "-en" in lowered else None

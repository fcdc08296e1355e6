"""Numbers by row: numpy arrays that grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


class Column:
    """One value for each row; `view` is valid until the next `append`."""

    def __init__(self, dtype: npt.DTypeLike, *, fill: float = 0, width: int | None = None) -> None:
        self._fill = fill
        self._width = () if width is None else (width,)
        self._values = np.full((256, *self._width), fill, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, row: int) -> Any:
        return self._values[row]

    def __setitem__(self, row: int, value: Any) -> None:
        self._values[row] = value

    def append(self, value: Any) -> None:
        """Add one row at the end."""
        if self._size == len(self._values):
            self._grow()
        self._values[self._size] = value
        self._size += 1

    @property
    def view(self) -> Array:
        """The rows so far, not copied."""
        return self._values[: self._size]

    @property
    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return int(self._values.nbytes)

    def _grow(self) -> None:
        larger = np.full((2 * len(self._values), *self._width), self._fill, dtype=self._values.dtype)
        larger[: self._size] = self._values
        self._values = larger

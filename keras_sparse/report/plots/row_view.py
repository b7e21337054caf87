"""Choose how rows are shown: as images, as series, or as named columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.utils.text import one_line_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGEST_TILE = 64


@dataclass(frozen=True)
class View:
    """How a row is shown.

    Args:
        kind: `"image"`, `"series"` or `"table"`.
        shape: Of one row.
        columns: Their names, where a row is shown as a table.
    """

    kind: str
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, features: int, row_shape: Sequence[int] | None = None, columns: Any = None
    ) -> "View":
        """Choose images for rows of two or three axes, columns where they have names, or series."""
        shape = tuple(row_shape or ())
        if len(shape) in (2, 3) and math.prod(shape) == features and sorted(shape)[-2] > 1:
            return cls("image", shape)
        if columns and len(columns) == features:
            return cls("table", (features,), tuple(one_line_name(name) for name in columns))
        return cls("series", (features,))

    def image(self, row: np.ndarray) -> np.ndarray:
        """Reshape a row to `(height, width)` or `(height, width, 3)`, no larger than a tile."""
        picture = np.nan_to_num(np.asarray(row, np.float64)).reshape(self.shape)
        if picture.ndim == 3 and picture.shape[-1] not in (1, 3, 4) and len(picture) in (1, 3):
            picture = np.moveaxis(picture, 0, -1)
        if picture.ndim == 3:
            colors = picture.shape[-1] in (3, 4)
            picture = picture[..., :3] if colors else picture.mean(axis=-1)
        step = max(1, math.ceil(max(picture.shape[:2]) / LARGEST_TILE))
        return picture[::step, ::step]

    @property
    def aspect(self) -> float:
        """Height of a tile divided by its width."""
        if self.kind != "image":
            return 1.0
        height, width = self.image(np.zeros(self.shape)).shape[:2]
        return min(2.0, max(0.25, height / width))


def tile(
    axes: "Axes", picture: np.ndarray, left: float, top: float, width: float, height: float
) -> None:
    """Draw a picture into a sheet, without smoothing."""
    extent = (left, left + width, top + height, top)
    axes.imshow(picture, extent=extent, interpolation="none", aspect="auto", clip_on=False)
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())


def gray(picture: np.ndarray, low: float, high: float) -> np.ndarray:
    """Convert to 8-bit colours, black at `low` and white at `high`."""
    levels = np.clip((picture - low) / (high - low or 1), 0, 1)
    levels = np.round(255 * levels).astype(np.uint8)
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=-1)

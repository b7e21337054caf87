"""Columns of categories, of which each becomes a column of 0 and 1."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.utils.parse import join_names
from keras_sparse.utils.words import IN_TEXT

MOST = 256
"""Categories of a column."""


def as_words(column: Any) -> Any:
    """Convert an Arrow column of any type to strings; the spellings of a missing word are null."""
    import pyarrow
    from pyarrow import compute

    words = compute.utf8_trim_whitespace(column.cast(pyarrow.string()))
    missing = compute.is_in(words, value_set=pyarrow.array(sorted(IN_TEXT)))
    return compute.if_else(missing, None, words)


def encode(
    column: Any, name: str, known: Sequence[str] | None, source: str
) -> dict[str, np.ndarray]:
    """Encode a column of categories.

    Args:
        column: An Arrow column.
        name: Its name.
        known: The categories; by default those of the column, in their order as words.
        source: Name of the file.

    Returns:
        For each category an array of 0 and 1, of NaN where the category is missing.

    Raises:
        DataError: If there are more than 256 categories, or one that is not known.
    """
    import pyarrow
    from pyarrow import compute

    words = as_words(column)
    found = sorted(word for word in compute.unique(words).to_pylist() if word is not None)
    categories = found if known is None else [str(category) for category in known]
    if unknown := [word for word in found if word not in set(categories)]:
        row = compute.index(words, unknown[0]).as_py()
        raise DataError(
            f"Expected one of {', '.join(categories[:20])}, the known categories, in column {name} "
            f"of {source}. Received: {', '.join(map(repr, unknown[:5]))}, first in row {row}. "
            "Remedy: leave these rows out, or train with such rows"
        )
    if not 0 < len(categories) <= MOST:
        raise DataError(
            f"Invalid value for argument `one_hot`. Expected columns of 1 to {MOST} categories. "
            f"Received: {name!r} with {len(categories)} in {source}. Remedy: --drop "
            f"{join_names([name])} (drop={[name]!r}) to leave it out"
        )
    places = compute.index_in(words, value_set=pyarrow.array(categories, pyarrow.string()))
    codes = places.to_numpy()  # of floats if some are missing
    gaps = np.isnan(codes)
    ones = {category: codes == place for place, category in enumerate(categories)}
    if gaps.any():
        return {category: np.where(gaps, np.nan, is_one) for category, is_one in ones.items()}
    return {category: is_one.astype(np.uint8) for category, is_one in ones.items()}

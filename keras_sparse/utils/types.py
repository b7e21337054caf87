"""Types that several modules share."""

from typing import Any, TypeAlias

Tensor: TypeAlias = Any  # a tensor of whichever backend Keras selects

"""What becomes of a case: an answer, a named error, or one of the failures."""

import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

GOOD = ANSWER, NAMED = ("answer", "named error")
FAILURES = CRASH, HANG, MEMORY, UNNAMED, WRONG, LEFTOVER = (
    *("crash", "hang", "memory", "unnamed", "wrong", "leftover"),
)
MESSAGE_CHARACTERS = 4000
"""Longer is nothing that a person reads; a hostile manifest may hold megabytes."""
DETAIL_CHARACTERS = 2000
SECONDS = 5.0
"""A call that takes more of a processor hangs."""


class CaseError(Exception):
    """One of `FAILURES`, and what was seen."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome, self.detail = outcome, detail[-DETAIL_CHARACTERS:]


class Steps:
    """Runs one call after the other; named errors are collected, all others are failures."""

    def __init__(self) -> None:
        self.named: list[str] = []
        self.longest = 0.0
        """Seconds of a processor that the longest call took."""

    def __call__(self, what: str, call: Callable[[], Any]) -> Any:
        """What the call returns, or `None` if it was refused."""
        start = time.process_time()
        try:
            found = call()
        except Exception as error:
            if (outcome := failure_of(error)) is not None:
                raise CaseError(outcome, f"{what}: {trace(error)}") from None
            self.named.append(f"{what}: {type(error).__name__}: {error}")
            found = None
        seconds = time.process_time() - start
        self.longest = max(self.longest, seconds)
        if seconds > SECONDS:
            raise CaseError(HANG, f"{what}: {seconds:.1f} s")
        return found

    @property
    def outcome(self) -> str:
        return NAMED if self.named else ANSWER

    @property
    def detail(self) -> str:
        return "; ".join(self.named)[:DETAIL_CHARACTERS]


def failure_of(error: BaseException) -> str | None:
    """Which failure an error is; `None` for one that says what is wrong in our words."""
    from keras_sparse_export import BundleError

    if any(map(_of_memory, chain(error))):
        return MEMORY
    kinds = (BundleError, ValueError, TypeError, FileNotFoundError, FileExistsError)
    return None if isinstance(error, kinds) and says(str(error)) else UNNAMED


def trace(error: BaseException) -> str:
    """The last part of the traceback, and its end."""
    return "".join(traceback.format_exception(error))[-DETAIL_CHARACTERS // 2 :]


def chain(error: BaseException) -> Iterator[BaseException]:
    """It, and what it came from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _of_memory(error: BaseException) -> bool:
    # onnxruntime tells it in words alone, and a reader may wrap that into an error with a name.
    words = ("bad_alloc", "bad allocation", "Failed to allocate", "Cannot allocate memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def says(message: str) -> bool:
    """Whether it says what was expected and what was received, fit for a terminal."""
    return (
        "Expected" in message
        and "Received" in message
        and len(message) <= MESSAGE_CHARACTERS
        and message.replace("\n", "").isprintable()
    )


def require_near(what: str, wanted: np.ndarray, found: Any, slack: float = 1.0) -> None:
    """Fail as `wrong` unless an answer is of the shape and within the tolerance.

    That of the golden rows: 1e-5 · max(1, largest number), times `slack`. Of huge rows infinity or
    NaN is wanted, and then it must be found, in the same places.
    """
    if not isinstance(found, np.ndarray) or found.shape != wanted.shape:
        raise CaseError(
            WRONG, f"{what}: {getattr(found, 'shape', found)!s:.80}, not {wanted.shape}"
        )
    finite = np.isfinite(wanted)
    if not np.array_equal(found[~finite], wanted[~finite], equal_nan=True):
        raise CaseError(WRONG, f"{what}: finite where onnxruntime's answer is not")
    wanted, found = wanted[finite], found[finite]
    tolerance = slack * 1e-5 * max(1.0, float(np.abs(wanted).max(initial=0.0)))
    error = np.abs(found.astype(np.float64) - wanted.astype(np.float64)).max(initial=0.0)
    if not error <= tolerance:
        raise CaseError(WRONG, f"{what}: off by {error:.3g}, allowed {tolerance:.3g}")

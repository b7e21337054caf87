"""The outcome of a case: an answer, a named error, or one of the failures."""

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
"""Nobody reads longer messages; a hostile manifest may have megabytes."""
DETAIL_CHARACTERS = 2000
SECONDS = 5.0
"""CPU seconds after which a call counts as hanging."""


class CaseError(Exception):
    """One of `FAILURES`, with details."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome, self.detail = outcome, detail[-DETAIL_CHARACTERS:]


class Steps:
    """Run calls one after the other; collect named errors, and fail at all others."""

    def __init__(self) -> None:
        self.named: list[str] = []
        self.longest = 0.0
        """CPU seconds of the longest call."""

    def __call__(self, what: str, call: Callable[[], Any]) -> Any:
        """Return the result of the call, or `None` after a named error."""
        start = time.process_time()
        try:
            result = call()
        except Exception as error:
            if (outcome := classify_failure(error)) is not None:
                raise CaseError(outcome, f"{what}: {format_trace(error)}") from None
            self.named.append(f"{what}: {type(error).__name__}: {error}")
            result = None
        seconds = time.process_time() - start
        self.longest = max(self.longest, seconds)
        if seconds > SECONDS:
            raise CaseError(HANG, f"{what}: {seconds:.1f} s")
        return result

    @property
    def outcome(self) -> str:
        return NAMED if self.named else ANSWER

    @property
    def detail(self) -> str:
        return "; ".join(self.named)[:DETAIL_CHARACTERS]


def classify_failure(error: BaseException) -> str | None:
    """Return the failure of an error; `None` for an error with our wording."""
    from keras_sparse_export import BundleError

    if any(map(_is_memory_error, iterate_causes(error))):
        return MEMORY
    kinds = (BundleError, ValueError, TypeError, FileNotFoundError, FileExistsError)
    return None if isinstance(error, kinds) and is_named(str(error)) else UNNAMED


def format_trace(error: BaseException) -> str:
    """Return the end of the traceback."""
    return "".join(traceback.format_exception(error))[-DETAIL_CHARACTERS // 2 :]


def iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _is_memory_error(error: BaseException) -> bool:
    # onnxruntime reports it only in the message, and a reader may wrap that into a named error.
    words = ("bad_alloc", "bad allocation", "Failed to allocate", "Cannot allocate memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def is_named(message: str) -> bool:
    """Tell whether a message has our wording and is printable on a terminal."""
    return (
        "Expected" in message
        and "Received" in message
        and len(message) <= MESSAGE_CHARACTERS
        and message.replace("\n", "").isprintable()
    )


def require_near(what: str, wanted: np.ndarray, found: Any, slack: float = 1.0) -> None:
    """Fail as `wrong` unless an answer has the expected shape and is within the tolerance.

    The tolerance is the most that a unit may have, 1e-5 · max(1, largest number), times `slack`.
    Infinity and NaN, which huge rows lead to, must be at the same places.
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

import io
import sys

import pytest

from keras_sparse.callbacks.epoch_progress import EpochProgress


class Log(io.StringIO):
    """A file that is read after it was flushed, as a pipe of another process is."""

    arrived = ""

    def flush(self) -> None:
        self.arrived = self.getvalue()


def test_a_log_gets_the_name_at_once_and_the_losses_after_the_last_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Log()
    monkeypatch.setattr(sys, "stdout", log)
    progress = EpochProgress("l1 0.001")
    progress.set_params({"epochs": 2})
    progress.on_train_begin()
    assert log.arrived == "l1 0.001:\n"
    progress.on_epoch_end(0, {"loss": 3.0})
    assert log.arrived == "l1 0.001:\n"
    progress.on_epoch_end(1, {"loss": 0.123456, "l0": 7.0, "val_sparsity_loss": 2e-7})
    assert log.arrived == "l1 0.001:\n2 epochs - loss: 0.1235 - val_sparsity_loss: 2e-07\n"

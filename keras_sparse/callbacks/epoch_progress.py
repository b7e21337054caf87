"""Show the progress of a training in a terminal or a log."""

import sys

import keras


class EpochProgress(keras.callbacks.Callback):
    """Show one progress bar over the epochs of a training.

    Args:
        name: Printed in front of the bar.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Print the name and an empty bar."""
        print(f"{self._name}:", flush=True)
        self._bar = keras.utils.Progbar(self.params["epochs"], unit_name="epoch")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Advance the bar and show the losses; in a pipe print one line after the last epoch."""
        last = epoch + 1 == self.params["epochs"]
        shown = ("loss", "val_reconstruction_loss", "val_sparsity_loss")
        values = [(name, logs[name]) for name in shown if logs and name in logs]
        if sys.stdout.isatty():
            self._bar.stateful_metrics |= {name for name, _ in values}
            self._bar.update(epoch + 1, values)
        elif last:
            losses = " - ".join(f"{name}: {value:.4g}" for name, value in values)
            print(f"{epoch + 1} epochs - {losses}", flush=True)

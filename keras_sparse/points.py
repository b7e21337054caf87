"""A point of a sweep: one penalty, and what its training came to."""

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from keras_sparse.autoencoder import SparseAutoencoder
from keras_sparse.evaluation import Evaluation
from keras_sparse.run import MARKER, Settings

COLUMNS = (
    "name", "status", "sparsity", "strength", "rho", "explained_variance", "explained_by_active",
    "reconstruction_mse", "l0", "density", "dead_units", "mean_activation", "probe", "seconds",
    "error",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One penalty, and what its training came to. All measures are of held-out rows."""

    name: str
    sparsity: str
    strength: float
    """λ or β."""
    rho: float | None = None
    """ρ, of KL alone."""
    status: str = "pending"
    """`"done"` or `"failed"`."""
    evaluation: Evaluation | None = None
    probe: float | None = None
    """Accuracy of a linear probe on the codes, where there are labels."""
    seconds: float | None = None
    """Wall-clock time of the training."""
    error: str | None = None
    """Why it failed."""
    path: Path | None = None
    """Its run folder; `None` if it failed, or was trained on another machine."""
    keeper: object = field(default=None, repr=False, compare=False)
    """Holds a temporary folder, as long as a point lies in it."""

    @property
    def usable(self) -> bool:
        """Whether it was trained, and reconstructs from some active units better than the mean."""
        found = self.evaluation
        return (
            self.status == "done"
            and found is not None
            and found.l0 > 0
            and found.explained_variance > 0
        )

    def settings(self, base: Settings) -> Settings:
        """How to train it: as the others, but with its own penalty."""
        kl = self.sparsity == "kl"
        return replace(
            base,
            sparsity=self.sparsity,
            strength=self.strength,
            rho=base.rho if self.rho is None else self.rho,
            rho_horizon=base.rho_horizon if kl else None,
        )

    def load(self) -> SparseAutoencoder:
        """The trained model.

        Raises:
            FileNotFoundError: If it is not here.
        """
        if self.path is None:
            raise FileNotFoundError(
                f"Expected a model of {self.name}. Received: none here (it is "
                f"{self.status}{'' if self.error is None else ': ' + self.error})"
            )
        model: SparseAutoencoder = keras.saving.load_model(self.path / "model.keras")
        return model

    def finished(self, path: Path) -> "Point":
        """This point with what its run folder tells."""
        record = json.loads((path / MARKER).read_text(encoding="utf-8"))
        measures: dict[str, Any] = {
            name: math.nan if value is None else value
            for name, value in record["evaluation"].items()
        }
        return replace(
            self,
            status="done",
            evaluation=Evaluation(**measures),
            probe=record["probes"].get("codes"),
            seconds=record["seconds"],
            path=path,
        )

    def row(self) -> dict[str, str | float | None]:
        """A line of the table; `None` where nothing is known."""
        known = {name: getattr(self, name) for name in COLUMNS if hasattr(self, name)}
        if (found := self.evaluation) is None:
            return {name: known.get(name) for name in COLUMNS}
        measures = {"density": found.l0 / found.units, **vars(found)}
        return {name: {**measures, **known}.get(name) for name in COLUMNS}

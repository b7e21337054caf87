"""A point of a sweep: one way to make codes sparse, and the result of its training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.experiments import run_folder
from keras_sparse.models.settings import Settings
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.sparsity import families

MEASURES = (
    "explained_variance", "explained_by_active", "reconstruction_mse", "l0", "density",
    "dead_units", "mean_activation", "probe", "seconds", "error",
)  # fmt: skip


def columns() -> tuple[str, ...]:
    """Columns of `frontier.csv`, among them one for each parameter of a family."""
    penalty = ("sparsity", "strength", "target_l0", "goal_l0", *families.parameters())
    return ("name", "status", *penalty, *MEASURES)


@dataclass(frozen=True)
class Point:
    """One family with its numbers, and the result of its training.

    All measures are of held-out rows. A baseline of a sweep is a point that was not trained.
    """

    name: str
    sparsity: str
    """Name of the family, or of the baseline."""
    strength: float | None
    """λ or β; `None` if an L0 was asked for."""
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Parameters of the family, such as ρ."""
    target_l0: int | None = None
    """The L0 that was asked for; `None` with a strength."""
    goal_l0: float | None = None
    """The L0 to reach for which the point was added to the grid; `None` for a point of the grid."""
    status: str = "pending"
    """`"done"`, `"failed"` or `"baseline"`."""
    evaluation: Evaluation | None = None
    probe: float | None = None
    """Accuracy of a linear probe on the codes, if there are labels."""
    seconds: float | None = None
    """Wall-clock time of the training."""
    error: str | None = None
    """Reason of the failure."""
    path: Path | None = None
    """Run folder; `None` if the point failed or was trained on another machine."""
    keeper: object = field(default=None, repr=False, compare=False)
    """Keeps the temporary folder of the point from being deleted."""

    @property
    def l0(self) -> float:
        """L0 on held-out rows; NaN if the point was not trained."""
        return math.nan if self.evaluation is None else self.evaluation.l0

    @property
    def usable(self) -> bool:
        """Whether the point is trained, has active units, and reconstructs better than the mean."""
        evaluation = self.evaluation
        return (
            self.status == "done"
            and evaluation is not None
            and evaluation.l0 > 0
            and evaluation.explained_variance > 0
        )

    def settings(self, base: Settings) -> Settings:
        """Return the base settings with the family and the numbers of this point."""
        has_statistic = families.get(self.sparsity).has_batch_statistic()
        fields: dict[str, Any] = {
            name: value for name, value in self.parameters.items() if name == "rho"
        }
        others = {name: value for name, value in self.parameters.items() if name not in fields}
        return replace(
            base,
            sparsity=self.sparsity,
            strength=self.strength,
            l0=self.target_l0,
            rho_horizon=base.rho_horizon if has_statistic else None,
            parameters=others,
            **fields,
        )

    def entry(self) -> dict[str, Any]:
        """Return name, family and numbers, as `sweep.json` lists them in its grid."""
        l0s = {"target_l0": self.target_l0, "goal_l0": self.goal_l0}
        asked = {name: value for name, value in l0s.items() if value is not None}
        penalty = {"sparsity": self.sparsity, "strength": self.strength, **asked}
        return {"name": self.name, **penalty, **self.parameters}

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> "Point":
        """Make a point from its `entry`."""
        names = ("name", "sparsity", "strength", "target_l0", "goal_l0")
        parameters = {name: value for name, value in entry.items() if name not in names}
        own: dict[str, Any] = {name: entry.get(name) for name in names}
        return cls(**own, parameters=parameters)

    def load(self) -> SparseAutoencoder:
        """Load the trained model.

        Raises:
            FileNotFoundError: If the point has no run folder on this machine.
        """
        if self.path is None:
            raise FileNotFoundError(
                f"Expected a model of {self.name}. Received: none here (the point is "
                f"{self.status}{'' if self.error is None else ': ' + self.error})"
            )
        return run_folder.load_model(self.path)

    def read_strengths(self) -> np.ndarray:
        """Read the strength after each epoch of a penalty that was asked for an L0.

        Empty for any other point, and for one whose folder is not here.
        """
        if self.path is None:
            return np.array([])
        return run_folder.read_numbers(self.path).history.get("penalty_strength", np.array([]))

    def read_result(self, path: Path) -> "Point":
        """Return this point with the results in its run folder."""
        record = run_folder.read_record(path)
        return replace(
            self,
            status="done",
            evaluation=run_folder.read_evaluation(record),
            probe=record["probes"].get("codes"),
            seconds=record["seconds"],
            path=path,
        )

    def row(self) -> dict[str, str | float | None]:
        """Return the line of `frontier.csv`, with `None` for an unknown value."""
        known = {**vars(self), **self.parameters}
        if (evaluation := self.evaluation) is not None:
            measures = {"density": evaluation.l0 / evaluation.units, **vars(evaluation)}
            known = {**measures, **known}
        return {name: known.get(name) for name in columns()}

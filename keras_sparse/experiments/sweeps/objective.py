"""The objective of a search with Optuna: train a trial and return its values."""

import platform
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_sparse.data.tables import as_table
from keras_sparse.experiments.fitting import split
from keras_sparse.experiments.folders import TemporaryFolder
from keras_sparse.experiments.sweeps.grid import Space, check_space, suggest_settings
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.experiments.sweeps.sweep_folder import point_folder
from keras_sparse.experiments.sweeps.workers import train_here
from keras_sparse.models.settings import Settings
from keras_sparse.training.failures import TrainingError
from keras_sparse.utils import optional
from keras_sparse.utils.text import one_line

if TYPE_CHECKING:
    import optuna


class Objective:
    """Train a trial and return its values, for `optuna.Study.optimize`.

    The values are `(explained variance ↑, L0 ↓)` on held-out rows, and the accuracy of a linear
    probe ↑ if there are labels. With `max_l0` the value is the explained variance alone, with
    `L0 ≤ max_l0` as a constraint of the trial; every epoch then reports the explained variance,
    less `ln(L0 / max_l0)` if L0 is above, and asks the study's pruner. (Optuna has no pruners for
    several objectives.) Either way a trial is pruned if its loss is not finite or all its units
    are dead.

    Args:
        x: As in `sweep`.
        space: As in `search`.
        labels: As in `sweep`.
        groups: As in `sweep`.
        settings: How to train.
        max_l0: As in `search`.
        folder: Where to write the models, in `points/trial-N`; by default a temporary folder,
            which lives as long as the objective.

    Attributes:
        directions: For `optuna.create_study`.
        folder: Where the models are.

    Example:
        >>> import numpy as np, optuna
        >>> from keras_sparse.experiments import Settings
        >>> from keras_sparse.experiments.sweeps.objective import Objective
        >>> x = np.random.default_rng(0).random((200, 8))
        >>> few = Settings(code_dim=4, epochs=1)
        >>> objective = Objective(x, {"l1": (1e-4, 1e-2)}, settings=few)
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(directions=objective.directions)
        >>> study.optimize(objective, n_trials=1)
        >>> len(study.trials[0].values)
        2
    """

    def __init__(
        self,
        x: Any,
        space: Space | None = None,
        *,
        labels: Any = None,
        groups: Any = None,
        settings: Settings | None = None,
        max_l0: float | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self._optuna = require_optuna()
        self._table = as_table(x, labels, groups)
        settings = settings or Settings()
        self._features = settings.count_features(self._table)
        self._settings = settings.with_units(settings.outline(self._table), features=self._features)
        self._space = check_space(space, self._features, self._settings.units)
        self._max_l0 = max_l0
        self._keeper = TemporaryFolder() if folder is None else None
        self.folder = self._keeper.path if self._keeper else Path(str(folder)).resolve()
        split(self._table, self._settings)
        labelled = self._table.labels is not None and self._table.anomalous is None
        probed = labelled and max_l0 is None
        self.directions = ["maximize", "minimize", "maximize"][: 3 if probed else 2]
        if max_l0 is not None:
            self.directions = ["maximize"]

    def __call__(self, trial: "optuna.Trial") -> float | tuple[float, ...]:
        """Train with the settings that the trial suggests.

        Raises:
            optuna.TrialPruned: If the trial is hopeless, or the pruner decides so.
        """
        trial.set_user_attr("folder", address_of(self.folder))
        try:
            return self._value(trial)
        except TrainingError as error:
            trial.set_user_attr("error", one_line(error))
            raise self._optuna.TrialPruned(one_line(error)) from error
        except Exception as error:  # from the memory, the disk or the backend, or `TrialPruned`
            trial.set_user_attr("error", one_line(error))
            raise

    def _value(self, trial: "optuna.Trial") -> float | tuple[float, ...]:
        settings = suggest_settings(trial, self._space, self._settings)
        own = settings.for_rows(settings.outline(self._table), self._features)
        point = Point(
            f"trial-{trial.number}",
            own.family.name,
            own.effective_strength(),
            own.family_parameters(),
            own.l0,
        )
        trial.set_user_attr("point", point.entry())
        path = point_folder(self.folder, point.name)
        watch = _Watch(trial, self._max_l0)
        train_here(settings, path, table=self._table, callbacks=[watch])
        point = point.read_result(path)
        evaluation = point.evaluation
        assert evaluation is not None
        if not np.isfinite(evaluation.explained_variance):
            raise TrainingError("Expected held-out rows that vary. Received: no variance")
        trial.set_user_attr("evaluation", asdict(evaluation))
        trial.set_user_attr("probe", point.probe)
        trial.set_user_attr("seconds", point.seconds)
        if self._max_l0 is not None:
            trial.set_constraint("l0", evaluation.l0 / self._max_l0 - 1)
            return evaluation.explained_by_active
        values = (evaluation.explained_by_active, evaluation.l0)
        return values if point.probe is None else (*values, point.probe)


class _Watch(keras.callbacks.Callback):
    """Prune a trial that is hopeless or falls behind, at the end of an epoch."""

    def __init__(self, trial: "optuna.Trial", max_l0: float | None) -> None:
        super().__init__()
        self._trial, self._max_l0 = trial, max_l0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        variance, l0 = logs.get("val_explained_variance"), logs.get("val_l0")
        if l0 == 0 and self.model.threshold == 0:  # sigmoid codes may still exceed their threshold
            self._prune(epoch, "all units are dead")
        if self._max_l0 is None or variance is None or l0 is None or not np.isfinite(variance):
            return
        excess = float(np.log(max(1.0, l0 / self._max_l0)))
        self._trial.report(float(variance) - excess, epoch)
        if self._trial.should_prune():
            self._prune(epoch, "behind other trials")

    def _prune(self, epoch: int, why: str) -> None:
        raise require_optuna().TrialPruned(f"pruned in epoch {epoch + 1}: {why}")


def address_of(folder: Path) -> str:
    """Name a folder so that no other machine has one of this name."""
    return f"{platform.node()}:{folder}"


def require_optuna() -> Any:
    """Import Optuna.

    Raises:
        ModuleNotFoundError: Without the extra `[sweep]`.
    """
    optional.require("optuna", ", which searches", "sweep")
    import optuna

    return optuna

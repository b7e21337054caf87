"""The result of a linear probe: accuracies, their standard errors, and what chance gives."""

from dataclasses import asdict, dataclass, field
from typing import Any

from keras_sparse.utils.text import list_some, with_error


@dataclass(frozen=True)
class SparseProbe:
    """A probe of k units."""

    k: int
    """Number of units."""
    accuracy: float
    """Over all measured rows; each fold chooses its units on its own training rows."""
    units: tuple[int | str, ...]
    """The units chosen on all rows that are not held out, the best first."""
    standard_error: float | None = None
    """Standard error of the accuracy."""


@dataclass(frozen=True)
class Probe:
    """Accuracies of logistic regressions on rows they were not fitted on."""

    codes: float
    """Accuracy on the whole code."""
    chance: float
    """Accuracy of always predicting the most frequent class of the training rows."""
    units: int
    """Width of the code."""
    classes: int
    """Number of classes."""
    rows: int
    """Number of rows that the accuracies were measured on, over all folds."""
    raw: float | None = None
    """Accuracy on the raw rows."""
    pca: float | None = None
    """Accuracy on as many principal components of the raw rows as the code has units."""
    untrained: float | None = None
    """Accuracy on the codes of an encoder that was not trained."""
    balanced: float | None = None
    """Mean over classes of the accuracy on the codes of their rows; `None` with even classes. Its
    chance is 1 / `classes`."""
    components: int | None = None
    """Width of the PCA; less than `units` if the raw rows have fewer components."""
    sparse: tuple[SparseProbe, ...] = ()
    """Probes of the best k units, for each k up to the number of units."""
    folds: int | None = None
    """Folds of the cross-validation; `None` if measured on held-out rows."""
    groups: int | None = None
    """Number of groups that the measured rows came from, where groups were named."""
    standard_errors: dict[str, float] = field(default_factory=dict)
    """Of `codes`, `raw`, `pca` and `untrained`, and of the `difference` of codes and raw rows on
    the same rows. Empty with fewer than two rows, or two groups."""

    def as_dict(self) -> dict[str, Any]:
        """Return all fields for JSON, without those that were not measured."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Probe":
        """Return the probe that `as_dict` recorded."""
        sparse = tuple(
            SparseProbe(**{**each, "units": tuple(each["units"])}) for each in record["sparse"]
        )
        return cls(**{**record, "sparse": sparse})

    def table(self) -> str:
        """Format the accuracies with their standard errors, a line each, and the number of rows."""
        errors = self.standard_errors
        lines: list[tuple[str, float | None, float | None, str]] = [
            ("chance", self.chance, None, "the most frequent class"),
            ("untrained", self.untrained, errors.get("untrained"), ""),
            ("raw rows", self.raw, errors.get("raw"), ""),
            (f"PCA, {self.components}", self.pca, errors.get("pca"), ""),
            (f"codes, {self.units}", self.codes, errors.get("codes"), ""),
            ("balanced", self.balanced, None, f"mean over classes; chance {1 / self.classes:.3f}"),
        ]
        for best in self.sparse:
            units = list_some("unit", [*best.units])
            lines.append((f"best {best.k}", best.accuracy, best.standard_error, units))
        shown = [
            (name, with_error(value, error), note)
            for name, value, error, note in lines
            if value is not None
        ]
        width = max(len(name) for name, *_ in shown)
        rows = f"{self.rows} rows" + (f" of {self.groups} groups" if self.groups else "")
        how = f"{self.folds} folds" if self.folds else "held out"
        return "\n".join(
            [
                *(f"{name:{width}}  {value:13}  {note}".rstrip() for name, value, note in shown),
                f"accuracy ± standard error on {rows}, {how}",
            ]
        )

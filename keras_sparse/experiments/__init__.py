"""Settings, runs, sweeps and searches, and the folders they leave."""

from keras_sparse.experiments.run import train
from keras_sparse.experiments.sweeps.grid_sweep import sweep
from keras_sparse.experiments.sweeps.optuna_search import search
from keras_sparse.models.settings import Settings

__all__ = ["Settings", "search", "sweep", "train"]

"""Train on several devices of one host, which share every batch."""

import functools
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.utils.text import one_line
from keras_sparse.utils.types import Tensor

CHOICES = {"jax": ("JAX_PLATFORMS", "JAX_PLATFORM_NAME"), "torch": ("KERAS_TORCH_DEVICE",)}
"""Variables of the environment that choose a backend's device."""


def sharing_devices() -> int:
    """Number of devices that share every batch: of `DataParallel`, of `MirroredStrategy`, or 1."""
    distribution = keras.distribution.distribution()
    if distribution is not None:
        mesh = distribution.device_mesh
        return int(mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)])
    return mirrored_replicas()


def mirrored_replicas() -> int:
    """Number of replicas of TensorFlow's strategy, each of which sees its part of a batch alone."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def sum_over_replicas(value: Tensor) -> Tensor:
    """Add up a tensor over the replicas of TensorFlow's strategy that share a batch.

    On JAX, a sum over a batch is that of all devices already.
    """
    replica = _replica()
    if replica is None:
        return value
    return replica.merge_call(
        lambda strategy, values: strategy.reduce("SUM", values, axis=None), args=(value,)
    )


def largest_over_replicas(value: Tensor) -> Tensor:
    """Return the largest value of a scalar on the replicas that share a batch."""
    replica = _replica()
    if replica is None:
        return value
    # The strategy adds up, and has no maximum.
    own = ops.equal(ops.arange(replica.num_replicas_in_sync), replica.replica_id_in_sync_group)
    return ops.max(sum_over_replicas(ops.where(own, value, ops.zeros_like(value))))


def _replica() -> Any:
    """Return the replica of a strategy that this call belongs to; `None` where it is alone."""
    if mirrored_replicas() == 1:
        return None
    import tensorflow as tf

    return tf.distribute.get_replica_context()  # none outside of `strategy.run`


def require_supported_strategy() -> None:
    """Raise under the strategy of TensorFlow that Keras 3 does not train with.

    Raises:
        ValueError: Under `MultiWorkerMirroredStrategy`.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError(
            "Expected tf.distribute.MirroredStrategy, for several GPUs of one host. Received: "
            "MultiWorkerMirroredStrategy, with which Keras 3 does not train. Remedy: on many "
            "hosts, use the JAX backend and keras_sparse.distribution.connect(...)"
        )


def after_loss(h: Tensor, update: Callable[[], None]) -> Tensor:
    """Make an update that adds up over replicas where all of them have computed their loss.

    Replicas of MirroredStrategy take turns at such a sum. In the midst of a call, each would take
    the losses that the others have added to the layers for its own. So there, the update waits for
    the gradient. Elsewhere it is made at once.

    Args:
        h: A tensor that the loss depends on.
        update: Assigns to variables.

    Returns:
        `h`, to be used in its place.
    """
    if mirrored_replicas() > 1:
        import tensorflow as tf

        if tf.distribute.get_replica_context() is not None:  # none while a model is built

            def backward(gradient: Tensor) -> Tensor:
                update()
                return gradient

            return tf.custom_gradient(lambda values: (tf.identity(values), backward))(h)
    update()
    return h


def shared_batch_size(batch_size: int | None, default: int, rows: int) -> int:
    """Choose a batch size that the devices share evenly, no larger than needed for all rows.

    Args:
        batch_size: The requested size, or `None`.
        default: The size where none is requested; it is rounded up.
        rows: Number of rows.

    Raises:
        ValueError: If the devices cannot share `batch_size` evenly.
    """
    devices = sharing_devices()
    if batch_size is None:
        batch_size = -(-default // devices) * devices
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(
            "Invalid value for argument `batch_size`. Expected a positive integer. Received: "
            f"batch_size={batch_size!r}"
        )
    if batch_size % devices:
        raise ValueError(
            f"Invalid value for argument `batch_size`. Expected a multiple of {devices}, the "
            f"devices that share a batch. Received: batch_size={batch_size}"
        )
    return min(int(batch_size), -(-rows // devices) * devices)


@contextmanager
def keep_parts() -> Iterator[None]:
    """Keep Keras from splitting batches among processes: they are parts already."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        yield
        return
    before = distribution.auto_shard_dataset
    distribution.auto_shard_dataset = False
    try:
        yield
    finally:
        distribution.auto_shard_dataset = before


@contextmanager
def alone() -> Iterator[None]:
    """Create variables for this process alone, without waiting for the others."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def require_device() -> None:
    """Raise if the backend cannot use the device that was chosen for it.

    Raises:
        RuntimeError: If the backend creates no tensor there.
    """
    try:
        ops.zeros(())
    except (AssertionError, RuntimeError) as error:  # JAX asserts without a word
        backend = keras.backend.backend()
        names = [name for name in CHOICES.get(backend, ()) if name in os.environ]
        chosen = " ".join(f"{name}={os.environ[name]}" for name in names) or "keras.device"
        raise RuntimeError(
            f"Expected a device that {backend} can use here. Received: {chosen}, for which it "
            f"raises {one_line(error)}. Remedy: another device, or the drivers and the build of "
            f"{backend} for this one"
        ) from error


def require_policy(policy: Any) -> None:
    """Raise for a precision in which the backend cannot train.

    Raises:
        ValueError: For quantized policies, and for a dtype that the backend lacks.
        RuntimeError: As `require_device`.
    """
    require_device()
    requested = {policy.compute_dtype, policy.variable_dtype}
    with warnings.catch_warnings(action="ignore"):  # JAX warns and uses another dtype
        actual = {
            keras.backend.standardize_dtype(ops.zeros((), dtype).dtype) for dtype in requested
        }
    if policy.quantization_mode is not None or actual != requested:
        backend = keras.backend.backend()
        raise ValueError(
            f"Invalid value for argument `dtype`. Expected a precision in which {backend} can "
            f"train, such as float32 or mixed_bfloat16. Received: dtype={policy.name!r}"
            + (
                '. Remedy: jax.config.update("jax_enable_x64", True)'
                if backend == "jax" and "float64" in requested
                else ""
            )
        )


@contextmanager
def share(devices: int | None) -> Iterator[None]:
    """Build and train models on several devices of the host, on GPU or TPU if there is one.

    It uses `keras.distribution.DataParallel` on JAX and `tf.distribute.MirroredStrategy` on
    TensorFlow.

    Args:
        devices: Number of devices; `None` changes nothing.

    Raises:
        ValueError: If there are fewer devices, or the backend cannot share batches.
    """
    if devices is None:
        yield
        return
    backend = keras.backend.backend()
    names = _device_names(backend)
    if devices > len(names):
        kind = names[0].split(":")[0].upper()
        remedy = {
            "jax": '. Remedy: split the CPU into several devices with XLA_FLAGS="'
            f'--xla_force_host_platform_device_count={devices}"',
            "torch": ". Remedy: set KERAS_BACKEND=jax or tensorflow, which share batches",
        }
        raise ValueError(
            f"Invalid value for argument `devices`. Expected at most {len(names)}, the {kind} "
            f"devices that {backend} has here. Received: devices={devices}"
            + (remedy.get(backend, "") if kind == "CPU" or backend == "torch" else "")
        )
    with ExitStack() as stack:
        if backend == "jax":
            distribution = keras.distribution.DataParallel(devices=names[:devices])
            stack.enter_context(distribution.scope())
        elif devices > 1:
            stack.enter_context(_mirrored_strategy(*names[:devices]).scope())
        yield


@functools.cache
def _mirrored_strategy(*names: str) -> Any:
    """Return one strategy for some devices, always the same.

    A second one would number its reductions from the start, and TensorFlow refuses those that have
    another shape than the first one's of this number.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(names)


def _device_names(backend: str) -> list[str]:
    if backend == "jax":
        return list(keras.distribution.list_devices())
    if backend == "torch":
        return ["torch:0"]  # on torch Keras cannot share batches
    import tensorflow as tf

    for kind in ("GPU", "CPU"):
        if names := [device.name for device in tf.config.list_logical_devices(kind)]:
            return [f"{kind}:{index}" for index in range(len(names))]
    return []

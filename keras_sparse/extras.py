"""Packages that an extra brings."""

from importlib.util import find_spec


def require(package: str, purpose: str, extra: str, *, module: str | None = None) -> None:
    """Name the extra where its package is missing.

    Args:
        package: As pip calls it.
        purpose: What it is for, as it goes on after the name: `, which searches`.
        extra: Of this package.
        module: As Python imports it, if that is another name.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    module = module or package
    if find_spec(module) is None:
        raise ModuleNotFoundError(
            f"Expected the package `{package}`{purpose}. Received: an environment without it. "
            f'Remedy: pip install "keras-sparse[{extra}]"',
            name=module,
        )

"""Require optional packages."""

from importlib.util import find_spec


def require(package: str, purpose: str, extra: str, *, module: str | None = None) -> None:
    """Raise if an optional package is not installed, and name the extra that installs it.

    Args:
        package: Name of the package for pip.
        purpose: The purpose, to follow the name in the message: ` for the linear probe`.
        extra: The extra of keras-sparse.
        module: Name of the module to import, if it differs.

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

"""`keras-sparse-export web`: write page, bundle and runtime as a folder for any server."""

import argparse
from pathlib import Path

from keras_sparse_export.browser import runtime
from keras_sparse_export.browser import site as website
from keras_sparse_export.bundle import transaction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    add = parser.add_argument
    add("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write")
    add("--overwrite", action="store_true", help="replace an existing site")
    runtime.add_argument(parser)


def web(options: argparse.Namespace) -> None:
    """Verify the bundle, then write the site, whole or not at all."""
    _require_outside(options.output, options.bundle)
    marker, overwrite = website.INVENTORY, options.overwrite
    transaction.require_target(options.output, overwrite=overwrite, marker=marker)
    _require_only_a_site(options.output)
    site = website.build_site(options.bundle, runtime.find(options.runtime), options.allow)
    with transaction.replace_folder(options.output, marker=marker, overwrite=overwrite) as folder:
        for path, content in site.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    size = sum(map(len, site.files.values())) / 1e6
    print(f"Wrote {options.output}: {len(site.files)} files, {size:.1f} MB")
    print(site)


def _require_outside(output: Path, folder: Path) -> None:
    if folder.resolve() in (output.resolve(), *output.resolve().parents):
        raise ValueError(
            "Invalid value for argument `--output`. Expected a folder outside the bundle. "
            f"Received: {output}"
        )


def _require_only_a_site(output: Path) -> None:
    """Raise if a folder contains files besides the site that is replaced."""
    if not output.is_dir():
        return
    known = website.list_files(output)
    others = sorted(
        path.relative_to(output).as_posix()
        for path in output.rglob("*")
        if not path.is_dir() and path.relative_to(output).as_posix() not in known
    )
    if others:
        raise FileExistsError(
            "Invalid value for argument `--output`. Expected a folder with nothing but a site. "
            f"Received: {output}, with {len(others)} other files: {', '.join(others[:3])}. Remedy: "
            "write to a new folder, and copy from there"
        )

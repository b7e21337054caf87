"""Tests lie where their modules lie, so that who looks for them finds them."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
PACKAGES = {"library": ROOT / "keras_sparse", "export": ROOT / "export" / "keras_sparse_export"}
ABOUT_SEVERAL = {
    "library/callbacks/test_schedule_and_revive.py",
    "library/metrics/test_metrics.py",
    "export/bundle/elsewhere/test_microcontroller.py",
    "export/bundle/elsewhere/test_openvino.py",
    "export/bundle/elsewhere/test_signing.py",
    "export/convert/test_user_models.py",
}
"""Test files about several modules at once; keep them few."""


def files() -> list[Path]:
    return [
        file.relative_to(TESTS) for part in PACKAGES for file in (TESTS / part).rglob("test_*.py")
    ]


def mirrored(test: Path) -> Path:
    """The module, or the folder of modules, that a test file is about."""
    part, *folders, name = test.parts
    module = PACKAGES[part].joinpath(*folders, name.removeprefix("test_"))
    return module if module.exists() else module.with_suffix("")


def test_every_test_file_has_its_module() -> None:
    assert len(files()) > 60
    lonely = {test.as_posix() for test in files() if not mirrored(test).exists()}
    assert lonely == ABOUT_SEVERAL


def test_every_other_test_file_is_about_the_whole() -> None:
    others = {file.relative_to(TESTS) for file in TESTS.rglob("test_*.py")} - set(files())
    assert {test.parent.as_posix() for test in others} == {"contracts", "benchmarks"}


@pytest.mark.parametrize(
    ("test", "module"),
    [
        ("library/data/test_shards.py", "keras_sparse/data/shards.py"),
        ("export/runtime/test_top_k.py", "export/keras_sparse_export/runtime/top_k.py"),
        ("export/browser/page/test_view.py", "export/keras_sparse_export/browser/page/view"),
        ("library/data/test_nothing.py", "keras_sparse/data/nothing"),
    ],
)
def test_the_mirror(test: str, module: str) -> None:
    assert mirrored(Path(test)) == ROOT / module

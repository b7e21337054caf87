import pytest

from keras_sparse.utils import optional


def test_what_is_there_is_no_matter() -> None:
    optional.require("numpy", ", which counts", "all")


def test_what_is_missing_is_named_with_its_extra() -> None:
    message = (
        "Expected the package `not-there`, which helps. Received: an environment without it. "
        'Remedy: pip install "keras-sparse[some]"'
    )
    with pytest.raises(ModuleNotFoundError) as error:
        optional.require("not-there", ", which helps", "some", module="not_there")
    assert (str(error.value), error.value.name) == (message, "not_there")

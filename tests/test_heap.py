import platform

from keras_sparse import heap


def test_glibc_is_told_and_others_are_let_alone() -> None:
    assert heap.keep_end() is (platform.libc_ver()[0] == "glibc")

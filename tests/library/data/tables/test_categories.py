from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import OneHotEncoder

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import read_table

pa = pytest.importorskip("pyarrow", reason="reads CSV")
parquet = pytest.importorskip("pyarrow.parquet", reason="reads Parquet")
pytestmark = pytest.mark.one_backend

PUMPS = ["B", "A", "C", "A", "B"]
TEXT = "flow,pump,speed\n" + "".join(f"{n},{pump},{n + 1}\n" for n, pump in enumerate(PUMPS))


def test_a_category_becomes_columns_of_0_and_1_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(TEXT)
    parquet.write_table(
        pa.table({"flow": range(5), "pump": pa.array(PUMPS).dictionary_encode(),
                  "speed": range(1, 6)}),
        tmp_path / "x.parquet",
    )  # fmt: skip
    expected = OneHotEncoder(sparse_output=False).fit_transform(np.array(PUMPS)[:, None])
    for name in ("x.csv", "x.parquet"):
        table = read_table(tmp_path / name, one_hot=["pump"])
        assert table.columns == ("flow", "pump=A", "pump=B", "pump=C", "speed")
        np.testing.assert_array_equal(table.rows[:, 1:4], expected)
        assert table.categories == {"pump": ("A", "B", "C")}
        assert table.row_shape == (5,)


def test_numbers_and_truth_values_can_be_categories(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,on,b\n1,true,2\n2,false,4\n1,true,5\n")
    table = read_table(tmp_path / "x.csv", one_hot=["a", "on"])
    assert table.columns == ("a=1", "a=2", "on=false", "on=true", "b")


def test_known_categories_decide_the_columns(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("flow,pump\n1,B\n2,A\n")
    known = {"pump": ("A", "B", "C")}
    table = read_table(tmp_path / "x.csv", categories=known)
    assert table.columns == ("flow", "pump=A", "pump=B", "pump=C")
    assert table.rows.tolist() == [[1, 0, 1, 0], [2, 1, 0, 0]]
    assert table.categories == known
    (tmp_path / "x.csv").write_text("flow,pump\n1,B\n2,D\n3,E\n")
    message = r"one of A, B, C, the known categories, in column pump.*'D', 'E', first in row 1"
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "x.csv", categories=known, one_hot=["pump"])
    with pytest.raises(DataError, match=r"Expected motor in x.csv"):
        read_table(tmp_path / "x.csv", categories={"motor": ("A",)})


def test_a_missing_category_is_missing_in_all_of_its_columns(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("flow,pump\n1,B\n2,\n3,None\n")
    table = read_table(tmp_path / "x.csv", one_hot=["pump"], missing="mean")
    np.testing.assert_array_equal(table.rows[:, 1:], [[1, 0], [np.nan, np.nan], [0, 1]])
    assert table.columns == ("flow", "pump=B", "pump=None")
    with pytest.raises(DataError, match="in columns pump=B 33 %, pump=None 33 %"):
        read_table(tmp_path / "x.csv", one_hot=["pump"])


def test_a_column_of_too_many_words_is_no_category(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,note\n" + "".join(f"1,word {n}\n" for n in range(300)))
    with pytest.raises(DataError, match=r"1 to 256 categories. Received: 'note' with 300"):
        read_table(tmp_path / "x.csv", one_hot=["note"])

"""List the operators of a .tflite file, of which a build for a microcontroller registers each."""

from importlib import import_module

SCHEMA = "ai_edge_litert.schema_py_generated"


def list_operators(content: bytes) -> list[str]:
    """Return the names of the operators, as LiteRT's schema spells them: `"FULLY_CONNECTED"`.

    Args:
        content: Bytes of a file that LiteRT loads. LiteRT must be installed.
    """
    schema = import_module(SCHEMA)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    model = schema.Model.GetRootAs(content, 0)
    codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
    # Operators of the first schema are in a field of one byte.
    return sorted({names[max(each.BuiltinCode(), each.DeprecatedBuiltinCode())] for each in codes})

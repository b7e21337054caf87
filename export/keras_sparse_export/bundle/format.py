"""File names and limits of the bundle format."""

FORMAT = 2
"""The format that is written."""
FORMATS = (1, 2)
"""The formats that are read."""
THRESHOLDS = "thresholds"
"""The feature of encoders whose codes jump from zero, at a threshold or by their rank in a row."""
COLUMNS = "columns"
"""The feature of encoders whose columns have names."""
MISSING = "missing"
"""The feature of encoders that take rows with gaps, which are NaN."""
CATEGORIES = "categories"
"""The feature of encoders of which some columns stand for the categories of one column."""
VARIANTS = "variants"
"""The feature of bundles that hold other forms of the encoder than int8."""
INPUTS = "inputs"
"""The feature of encoders with several inputs, inputs with names, or inputs of whole numbers."""
LENGTHS = "lengths"
"""The feature of encoders that take rows shorter than `input.shape`, along some axes."""
LITERT = "litert"
"""The feature of bundles that hold the encoder for LiteRT, too."""
ROUNDING = "rounding"
"""The feature of bundles whose model moves an output further by rounding than other models."""
SCORE = "score"
"""The feature of bundles that score rows, with a threshold of the score or without."""
WINDOWS = "windows"
"""The feature of encoders whose rows are windows of a signal."""
FRONT_END = "features"
"""The feature of bundles whose decoder reconstructs features that a front end makes of rows."""
FEATURES = frozenset(
    {
        *(CATEGORIES, COLUMNS, FRONT_END, INPUTS, LENGTHS, LITERT, MISSING),
        *(ROUNDING, SCORE, THRESHOLDS, VARIANTS, WINDOWS),
    }
)
"""Features that this version knows of those that a manifest may list in `requires`."""
MANIFEST = "manifest.json"
ENCODERS = {
    "float32": "encoder.onnx",
    "int8": "encoder.int8.onnx",
    "float16": "encoder.float16.onnx",
}
"""The ONNX file of each variant of the encoder."""
TFLITE = "encoder.tflite"
"""The encoder in float32 for LiteRT."""
GOLDEN_CODES = {
    "float32": "golden_code.f32",
    "int8": "golden_code.int8.f32",
    "float16": "golden_code.float16.f32",
}
"""Codes of the golden rows by each variant."""
SCORES = {"float32": "score.onnx", "int8": "score.int8.onnx"}
"""The file of scores of each variant."""
GOLDEN_SCORES = {"float32": "golden_score.f32", "int8": "golden_score.int8.f32"}
"""Scores of the golden rows by each variant."""
OUTPUTS = frozenset({"code", "values", "indices"})
"""Names of outputs, which no input has."""
MAX_ROW_VALUES = 1 << 24
"""Numbers in one row or one code: 64 MiB of float32, an image of 16 megapixels."""
MAX_COLUMNS = 1 << 16
"""Names of columns in a manifest."""
MAX_MANIFEST_BYTES = 16 << 20
"""Six statistics of each of 65,536 units take 9 MB; parsing 16 MB takes a few hundred MB."""
NAME = r"[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}"
"""A file name that means the same on every system, and cannot leave the folder."""

"""Validate a manifest. Generated from `manifest.schema.json` by `make validators`."""

import re
from typing import Any

from keras_sparse_export.bundle.schema import are_numbers, broken_rule
from keras_sparse_export.errors import SchemaError

REGEX_PATTERNS = {
    '^[a-z][a-z0-9-]{0,63}$': re.compile('^[a-z][a-z0-9-]{0,63}\\Z'),
    '^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$': re.compile('^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}\\Z'),
    '^[A-Za-z0-9._-]{1,64}$': re.compile('^[A-Za-z0-9._-]{1,64}\\Z'),
    '^[ -~]{1,64}$': re.compile('^[ -~]{1,64}\\Z'),
    '^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}$': re.compile('^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}\\Z'),
    '^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$': re.compile('^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}\\Z'),
    '^[A-Z][A-Z0-9_]{0,63}$': re.compile('^[A-Z][A-Z0-9_]{0,63}\\Z'),
    '^[0-9a-f]{64}$': re.compile('^[0-9a-f]{64}\\Z'),
    '^[A-Za-z0-9_ .:()-]{1,64}$': re.compile('^[A-Za-z0-9_ .:()-]{1,64}\\Z'),
}

def validate(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['format', 'input', 'output', 'threshold', 'opset', 'ir_version', 'min_onnxruntime', 'converter', 'versions', 'parity', 'golden', 'top_k', 'statistics', 'files', 'int8']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['format', 'input', 'output', 'threshold', 'opset', 'ir_version', 'min_onnxruntime', 'converter', 'versions', 'parity', 'golden', 'top_k', 'statistics', 'files', 'int8'], data)
        data_keys = list(data)
        if "format" in data_keys:
            data_keys.remove("format")
            data__format = data["format"]
            if type(data__format) not in (int,):
                raise broken_rule(name_prefix + ".format", 'type', 'integer', data__format)
            if not (isinstance(data__format, (int, float)) and not isinstance(data__format, bool) and data__format == 1 or isinstance(data__format, (int, float)) and not isinstance(data__format, bool) and data__format == 2):
                raise broken_rule(name_prefix + ".format", 'enum', [1, 2], data__format)
            if isinstance(data__format, (int, float)) and not isinstance(data__format, bool):
                if data__format < -9007199254740991:
                    raise broken_rule(name_prefix + ".format", 'minimum', -9007199254740991, data__format)
                if data__format > 9007199254740991:
                    raise broken_rule(name_prefix + ".format", 'maximum', 9007199254740991, data__format)
        if "requires" in data_keys:
            data_keys.remove("requires")
            data__requires = data["requires"]
            if type(data__requires) not in (list,):
                raise broken_rule(name_prefix + ".requires", 'type', 'array', data__requires)
            data__requires_is_list = isinstance(data__requires, (list, tuple))
            if data__requires_is_list:
                data__requires_len = len(data__requires)
                if data__requires_len > 64:
                    raise broken_rule(name_prefix + ".requires", 'maxItems', 64, data__requires)
                for data__requires_x, data__requires_item in enumerate(data__requires):
                    if type(data__requires_item) not in (str,):
                        raise broken_rule(name_prefix + ".requires[{data__requires_x}]".format(**locals()) + "", 'type', 'string', data__requires_item)
                    if isinstance(data__requires_item, str):
                        if not REGEX_PATTERNS['^[a-z][a-z0-9-]{0,63}$'].search(data__requires_item):
                            raise broken_rule(name_prefix + ".requires[{data__requires_x}]".format(**locals()) + "", 'pattern', '^[a-z][a-z0-9-]{0,63}$', data__requires_item)
        if "input" in data_keys:
            data_keys.remove("input")
            data__input = data["input"]
            validate____defs_tensor(data__input, name_prefix + ".input")
            data__input_is_dict = isinstance(data__input, dict)
            if data__input_is_dict:
                data__input_keys = list(data__input)
                if "name" in data__input_keys:
                    data__input_keys.remove("name")
                    data__input__name = data__input["name"]
                    if not (isinstance(data__input__name, str) and data__input__name == 'x'):
                        raise broken_rule(name_prefix + ".input.name", 'const', 'x', data__input__name)
        if "inputs" in data_keys:
            data_keys.remove("inputs")
            data__inputs = data["inputs"]
            if type(data__inputs) not in (list,):
                raise broken_rule(name_prefix + ".inputs", 'type', 'array', data__inputs)
            data__inputs_is_list = isinstance(data__inputs, (list, tuple))
            if data__inputs_is_list:
                data__inputs_len = len(data__inputs)
                if data__inputs_len < 1:
                    raise broken_rule(name_prefix + ".inputs", 'minItems', 1, data__inputs)
                if data__inputs_len > 64:
                    raise broken_rule(name_prefix + ".inputs", 'maxItems', 64, data__inputs)
                for data__inputs_x, data__inputs_item in enumerate(data__inputs):
                    validate____defs_named_input(data__inputs_item, name_prefix + ".inputs[{data__inputs_x}]".format(**locals()))
        if "lengths" in data_keys:
            data_keys.remove("lengths")
            data__lengths = data["lengths"]
            if type(data__lengths) not in (dict,):
                raise broken_rule(name_prefix + ".lengths", 'type', 'object', data__lengths)
            data__lengths_is_dict = isinstance(data__lengths, dict)
            if data__lengths_is_dict:
                data__lengths__missing_keys = set(['least']) - data__lengths.keys()
                if data__lengths__missing_keys:
                    raise broken_rule(name_prefix + ".lengths", 'required', ['least'], data__lengths)
                data__lengths_keys = list(data__lengths)
                if "least" in data__lengths_keys:
                    data__lengths_keys.remove("least")
                    data__lengths__least = data__lengths["least"]
                    if type(data__lengths__least) not in (list,):
                        raise broken_rule(name_prefix + ".lengths.least", 'type', 'array', data__lengths__least)
                    data__lengths__least_is_list = isinstance(data__lengths__least, (list, tuple))
                    if data__lengths__least_is_list:
                        data__lengths__least_len = len(data__lengths__least)
                        if data__lengths__least_len < 1:
                            raise broken_rule(name_prefix + ".lengths.least", 'minItems', 1, data__lengths__least)
                        if data__lengths__least_len > 7:
                            raise broken_rule(name_prefix + ".lengths.least", 'maxItems', 7, data__lengths__least)
                    if not are_numbers(data__lengths__least, (int,), minimum=1, maximum=9007199254740991):
                        if data__lengths__least_is_list:
                            data__lengths__least_len = len(data__lengths__least)
                            for data__lengths__least_x, data__lengths__least_item in enumerate(data__lengths__least):
                                if type(data__lengths__least_item) not in (int,):
                                    raise broken_rule(name_prefix + ".lengths.least[{data__lengths__least_x}]".format(**locals()) + "", 'type', 'integer', data__lengths__least_item)
                                if isinstance(data__lengths__least_item, (int, float)) and not isinstance(data__lengths__least_item, bool):
                                    if data__lengths__least_item < 1:
                                        raise broken_rule(name_prefix + ".lengths.least[{data__lengths__least_x}]".format(**locals()) + "", 'minimum', 1, data__lengths__least_item)
                                    if data__lengths__least_item > 9007199254740991:
                                        raise broken_rule(name_prefix + ".lengths.least[{data__lengths__least_x}]".format(**locals()) + "", 'maximum', 9007199254740991, data__lengths__least_item)
                if data__lengths_keys:
                    raise broken_rule(name_prefix + ".lengths", 'additionalProperties', ['least'], data__lengths)
        if "columns" in data_keys:
            data_keys.remove("columns")
            data__columns = data["columns"]
            if type(data__columns) not in (list,):
                raise broken_rule(name_prefix + ".columns", 'type', 'array', data__columns)
            data__columns_is_list = isinstance(data__columns, (list, tuple))
            if data__columns_is_list:
                data__columns_len = len(data__columns)
                if data__columns_len < 1:
                    raise broken_rule(name_prefix + ".columns", 'minItems', 1, data__columns)
                if data__columns_len > 65536:
                    raise broken_rule(name_prefix + ".columns", 'maxItems', 65536, data__columns)
                for data__columns_x, data__columns_item in enumerate(data__columns):
                    if type(data__columns_item) not in (str,):
                        raise broken_rule(name_prefix + ".columns[{data__columns_x}]".format(**locals()) + "", 'type', 'string', data__columns_item)
        if "categories" in data_keys:
            data_keys.remove("categories")
            data__categories = data["categories"]
            if type(data__categories) not in (dict,):
                raise broken_rule(name_prefix + ".categories", 'type', 'object', data__categories)
            data__categories_is_dict = isinstance(data__categories, dict)
            if data__categories_is_dict:
                data__categories_keys = list(data__categories)
                for data__categories_key in data__categories_keys:
                    if data__categories_key not in []:
                        data__categories_value = data__categories.get(data__categories_key)
                        if type(data__categories_value) not in (list,):
                            raise broken_rule(name_prefix + ".categories.{data__categories_key}".format(**locals()) + "", 'type', 'array', data__categories_value)
                        data__categories_value_is_list = isinstance(data__categories_value, (list, tuple))
                        if data__categories_value_is_list:
                            data__categories_value_len = len(data__categories_value)
                            if data__categories_value_len < 1:
                                raise broken_rule(name_prefix + ".categories.{data__categories_key}".format(**locals()) + "", 'minItems', 1, data__categories_value)
                            if data__categories_value_len > 256:
                                raise broken_rule(name_prefix + ".categories.{data__categories_key}".format(**locals()) + "", 'maxItems', 256, data__categories_value)
                            for data__categories_value_x, data__categories_value_item in enumerate(data__categories_value):
                                if type(data__categories_value_item) not in (str,):
                                    raise broken_rule(name_prefix + ".categories.{data__categories_key}[{data__categories_value_x}]".format(**locals()) + "", 'type', 'string', data__categories_value_item)
        if "features" in data_keys:
            data_keys.remove("features")
            data__features = data["features"]
            validate____defs_tensor(data__features, name_prefix + ".features")
            data__features_is_dict = isinstance(data__features, dict)
            if data__features_is_dict:
                data__features_keys = list(data__features)
                if "name" in data__features_keys:
                    data__features_keys.remove("name")
                    data__features__name = data__features["name"]
                    if not (isinstance(data__features__name, str) and data__features__name == 'features'):
                        raise broken_rule(name_prefix + ".features.name", 'const', 'features', data__features__name)
        if "offset" in data_keys:
            data_keys.remove("offset")
            data__offset = data["offset"]
            if type(data__offset) not in (list, type(None),):
                raise broken_rule(name_prefix + ".offset", 'type', ['array', 'null'], data__offset)
            data__offset_is_list = isinstance(data__offset, (list, tuple))
            if data__offset_is_list:
                data__offset_len = len(data__offset)
                if data__offset_len < 1:
                    raise broken_rule(name_prefix + ".offset", 'minItems', 1, data__offset)
                if data__offset_len > 65536:
                    raise broken_rule(name_prefix + ".offset", 'maxItems', 65536, data__offset)
            if not are_numbers(data__offset, (int, float,), minimum=-3.5e+38, maximum=3.5e+38):
                if data__offset_is_list:
                    data__offset_len = len(data__offset)
                    for data__offset_x, data__offset_item in enumerate(data__offset):
                        if type(data__offset_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".offset[{data__offset_x}]".format(**locals()) + "", 'type', 'number', data__offset_item)
                        if isinstance(data__offset_item, (int, float)) and not isinstance(data__offset_item, bool):
                            if data__offset_item < -3.5e+38:
                                raise broken_rule(name_prefix + ".offset[{data__offset_x}]".format(**locals()) + "", 'minimum', -3.5e+38, data__offset_item)
                            if data__offset_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".offset[{data__offset_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__offset_item)
        if "scale" in data_keys:
            data_keys.remove("scale")
            data__scale = data["scale"]
            if type(data__scale) not in (list, type(None),):
                raise broken_rule(name_prefix + ".scale", 'type', ['array', 'null'], data__scale)
            data__scale_is_list = isinstance(data__scale, (list, tuple))
            if data__scale_is_list:
                data__scale_len = len(data__scale)
                if data__scale_len < 1:
                    raise broken_rule(name_prefix + ".scale", 'minItems', 1, data__scale)
                if data__scale_len > 65536:
                    raise broken_rule(name_prefix + ".scale", 'maxItems', 65536, data__scale)
            if not are_numbers(data__scale, (int, float,), above=0, maximum=3.5e+38):
                if data__scale_is_list:
                    data__scale_len = len(data__scale)
                    for data__scale_x, data__scale_item in enumerate(data__scale):
                        if type(data__scale_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".scale[{data__scale_x}]".format(**locals()) + "", 'type', 'number', data__scale_item)
                        if isinstance(data__scale_item, (int, float)) and not isinstance(data__scale_item, bool):
                            if data__scale_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".scale[{data__scale_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__scale_item)
                            if data__scale_item <= 0:
                                raise broken_rule(name_prefix + ".scale[{data__scale_x}]".format(**locals()) + "", 'exclusiveMinimum', 0, data__scale_item)
        if "output" in data_keys:
            data_keys.remove("output")
            data__output = data["output"]
            validate____defs_tensor(data__output, name_prefix + ".output")
            data__output_is_dict = isinstance(data__output, dict)
            if data__output_is_dict:
                data__output_keys = list(data__output)
                if "name" in data__output_keys:
                    data__output_keys.remove("name")
                    data__output__name = data__output["name"]
                    if not (isinstance(data__output__name, str) and data__output__name == 'code'):
                        raise broken_rule(name_prefix + ".output.name", 'const', 'code', data__output__name)
        if "threshold" in data_keys:
            data_keys.remove("threshold")
            data__threshold = data["threshold"]
            if type(data__threshold) not in (int, float,):
                raise broken_rule(name_prefix + ".threshold", 'type', 'number', data__threshold)
        if "thresholds" in data_keys:
            data_keys.remove("thresholds")
            data__thresholds = data["thresholds"]
            if type(data__thresholds) not in (list, type(None),):
                raise broken_rule(name_prefix + ".thresholds", 'type', ['array', 'null'], data__thresholds)
            data__thresholds_is_list = isinstance(data__thresholds, (list, tuple))
            if data__thresholds_is_list:
                data__thresholds_len = len(data__thresholds)
                if data__thresholds_len < 1:
                    raise broken_rule(name_prefix + ".thresholds", 'minItems', 1, data__thresholds)
                if data__thresholds_len > 2:
                    raise broken_rule(name_prefix + ".thresholds", 'maxItems', 2, data__thresholds)
                for data__thresholds_x, data__thresholds_item in enumerate(data__thresholds):
                    validate____defs_gate(data__thresholds_item, name_prefix + ".thresholds[{data__thresholds_x}]".format(**locals()))
        if "calibration" in data_keys:
            data_keys.remove("calibration")
            data__calibration = data["calibration"]
            if type(data__calibration) not in (dict, type(None),):
                raise broken_rule(name_prefix + ".calibration", 'type', ['object', 'null'], data__calibration)
            try:
                if type(data__calibration) not in (type(None),):
                    raise broken_rule(name_prefix + ".calibration", 'type', 'null', data__calibration)
            except SchemaError:
                validate____defs_calibration(data__calibration, name_prefix + ".calibration")
            else:
                pass
        if "missing" in data_keys:
            data_keys.remove("missing")
            data__missing = data["missing"]
            if not (isinstance(data__missing, str) and data__missing == 'mean' or isinstance(data__missing, str) and data__missing == 'mask'):
                raise broken_rule(name_prefix + ".missing", 'enum', ['mean', 'mask'], data__missing)
        if "opset" in data_keys:
            data_keys.remove("opset")
            data__opset = data["opset"]
            if type(data__opset) not in (int,):
                raise broken_rule(name_prefix + ".opset", 'type', 'integer', data__opset)
            if isinstance(data__opset, (int, float)) and not isinstance(data__opset, bool):
                if data__opset < 13:
                    raise broken_rule(name_prefix + ".opset", 'minimum', 13, data__opset)
                if data__opset > 18:
                    raise broken_rule(name_prefix + ".opset", 'maximum', 18, data__opset)
        if "ir_version" in data_keys:
            data_keys.remove("ir_version")
            data__irversion = data["ir_version"]
            if not (isinstance(data__irversion, (int, float)) and not isinstance(data__irversion, bool) and data__irversion == 7 or isinstance(data__irversion, (int, float)) and not isinstance(data__irversion, bool) and data__irversion == 8):
                raise broken_rule(name_prefix + ".ir_version", 'enum', [7, 8], data__irversion)
        if "min_onnxruntime" in data_keys:
            data_keys.remove("min_onnxruntime")
            data__minonnxruntime = data["min_onnxruntime"]
            if type(data__minonnxruntime) not in (str,):
                raise broken_rule(name_prefix + ".min_onnxruntime", 'type', 'string', data__minonnxruntime)
            if isinstance(data__minonnxruntime, str):
                if not REGEX_PATTERNS['^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$'].search(data__minonnxruntime):
                    raise broken_rule(name_prefix + ".min_onnxruntime", 'pattern', '^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$', data__minonnxruntime)
        if "converter" in data_keys:
            data_keys.remove("converter")
            data__converter = data["converter"]
            if not (isinstance(data__converter, str) and data__converter == 'builder' or isinstance(data__converter, str) and data__converter == 'tf2onnx' or isinstance(data__converter, str) and data__converter == 'jax2onnx' or isinstance(data__converter, str) and data__converter == 'torch.onnx'):
                raise broken_rule(name_prefix + ".converter", 'enum', ['builder', 'tf2onnx', 'jax2onnx', 'torch.onnx'], data__converter)
        if "versions" in data_keys:
            data_keys.remove("versions")
            data__versions = data["versions"]
            data__versions_is_dict = isinstance(data__versions, dict)
            if data__versions_is_dict:
                for data__versions_key in data__versions:
                    if isinstance(data__versions_key, str):
                        if not REGEX_PATTERNS['^[A-Za-z0-9._-]{1,64}$'].search(data__versions_key):
                            raise broken_rule(name_prefix + ".versions", 'pattern', '^[A-Za-z0-9._-]{1,64}$', data__versions_key)
            if type(data__versions) not in (dict,):
                raise broken_rule(name_prefix + ".versions", 'type', 'object', data__versions)
            if data__versions_is_dict:
                data__versions__missing_keys = set(['backend', 'keras', 'keras-sparse-export', 'numpy', 'onnx', 'onnxruntime']) - data__versions.keys()
                if data__versions__missing_keys:
                    raise broken_rule(name_prefix + ".versions", 'required', ['backend', 'keras', 'keras-sparse-export', 'numpy', 'onnx', 'onnxruntime'], data__versions)
                data__versions_keys = list(data__versions)
                if "backend" in data__versions_keys:
                    data__versions_keys.remove("backend")
                    data__versions__backend = data__versions["backend"]
                    if not (isinstance(data__versions__backend, str) and data__versions__backend == 'tensorflow' or isinstance(data__versions__backend, str) and data__versions__backend == 'jax' or isinstance(data__versions__backend, str) and data__versions__backend == 'torch'):
                        raise broken_rule(name_prefix + ".versions.backend", 'enum', ['tensorflow', 'jax', 'torch'], data__versions__backend)
                for data__versions_key in data__versions_keys:
                    if data__versions_key not in ['backend']:
                        data__versions_value = data__versions.get(data__versions_key)
                        if type(data__versions_value) not in (str,):
                            raise broken_rule(name_prefix + ".versions.{data__versions_key}".format(**locals()) + "", 'type', 'string', data__versions_value)
                        if isinstance(data__versions_value, str):
                            if not REGEX_PATTERNS['^[ -~]{1,64}$'].search(data__versions_value):
                                raise broken_rule(name_prefix + ".versions.{data__versions_key}".format(**locals()) + "", 'pattern', '^[ -~]{1,64}$', data__versions_value)
        if "parity" in data_keys:
            data_keys.remove("parity")
            data__parity = data["parity"]
            if type(data__parity) not in (dict,):
                raise broken_rule(name_prefix + ".parity", 'type', 'object', data__parity)
            data__parity_is_dict = isinstance(data__parity, dict)
            if data__parity_is_dict:
                data__parity__missing_keys = set(['encoder']) - data__parity.keys()
                if data__parity__missing_keys:
                    raise broken_rule(name_prefix + ".parity", 'required', ['encoder'], data__parity)
                data__parity_keys = list(data__parity)
                if "encoder" in data__parity_keys:
                    data__parity_keys.remove("encoder")
                    data__parity__encoder = data__parity["encoder"]
                    validate____defs_parity(data__parity__encoder, name_prefix + ".parity.encoder")
                if "decoder" in data__parity_keys:
                    data__parity_keys.remove("decoder")
                    data__parity__decoder = data__parity["decoder"]
                    validate____defs_parity(data__parity__decoder, name_prefix + ".parity.decoder")
                if "score" in data__parity_keys:
                    data__parity_keys.remove("score")
                    data__parity__score = data__parity["score"]
                    validate____defs_parity(data__parity__score, name_prefix + ".parity.score")
                if data__parity_keys:
                    raise broken_rule(name_prefix + ".parity", 'additionalProperties', ['encoder', 'decoder', 'score'], data__parity)
        if "golden" in data_keys:
            data_keys.remove("golden")
            data__golden = data["golden"]
            if type(data__golden) not in (dict,):
                raise broken_rule(name_prefix + ".golden", 'type', 'object', data__golden)
            data__golden_is_dict = isinstance(data__golden, dict)
            if data__golden_is_dict:
                data__golden__missing_keys = set(['kind', 'rows']) - data__golden.keys()
                if data__golden__missing_keys:
                    raise broken_rule(name_prefix + ".golden", 'required', ['kind', 'rows'], data__golden)
                data__golden_keys = list(data__golden)
                if "kind" in data__golden_keys:
                    data__golden_keys.remove("kind")
                    data__golden__kind = data__golden["kind"]
                    if not (isinstance(data__golden__kind, str) and data__golden__kind == 'real' or isinstance(data__golden__kind, str) and data__golden__kind == 'synthetic' or isinstance(data__golden__kind, str) and data__golden__kind == 'none'):
                        raise broken_rule(name_prefix + ".golden.kind", 'enum', ['real', 'synthetic', 'none'], data__golden__kind)
                if "rows" in data__golden_keys:
                    data__golden_keys.remove("rows")
                    data__golden__rows = data__golden["rows"]
                    if type(data__golden__rows) not in (int,):
                        raise broken_rule(name_prefix + ".golden.rows", 'type', 'integer', data__golden__rows)
                    if isinstance(data__golden__rows, (int, float)) and not isinstance(data__golden__rows, bool):
                        if data__golden__rows < 0:
                            raise broken_rule(name_prefix + ".golden.rows", 'minimum', 0, data__golden__rows)
                        if data__golden__rows > 1024:
                            raise broken_rule(name_prefix + ".golden.rows", 'maximum', 1024, data__golden__rows)
                if data__golden_keys:
                    raise broken_rule(name_prefix + ".golden", 'additionalProperties', ['kind', 'rows'], data__golden)
            try:
                data__golden_is_dict = isinstance(data__golden, dict)
                if data__golden_is_dict:
                    data__golden_keys = list(data__golden)
                    if "kind" in data__golden_keys:
                        data__golden_keys.remove("kind")
                        data__golden__kind = data__golden["kind"]
                        if not (isinstance(data__golden__kind, str) and data__golden__kind == 'none'):
                            raise broken_rule(name_prefix + ".golden.kind", 'const', 'none', data__golden__kind)
            except SchemaError:
                data__golden_is_dict = isinstance(data__golden, dict)
                if data__golden_is_dict:
                    data__golden_keys = list(data__golden)
                    if "rows" in data__golden_keys:
                        data__golden_keys.remove("rows")
                        data__golden__rows = data__golden["rows"]
                        if isinstance(data__golden__rows, (int, float)) and not isinstance(data__golden__rows, bool):
                            if data__golden__rows < 1:
                                raise broken_rule(name_prefix + ".golden.rows", 'minimum', 1, data__golden__rows)
            else:
                data__golden_is_dict = isinstance(data__golden, dict)
                if data__golden_is_dict:
                    data__golden_keys = list(data__golden)
                    if "rows" in data__golden_keys:
                        data__golden_keys.remove("rows")
                        data__golden__rows = data__golden["rows"]
                        if not (isinstance(data__golden__rows, (int, float)) and not isinstance(data__golden__rows, bool) and data__golden__rows == 0):
                            raise broken_rule(name_prefix + ".golden.rows", 'const', 0, data__golden__rows)
        if "top_k" in data_keys:
            data_keys.remove("top_k")
            data__topk = data["top_k"]
            if type(data__topk) not in (dict, type(None),):
                raise broken_rule(name_prefix + ".top_k", 'type', ['object', 'null'], data__topk)
            try:
                if type(data__topk) not in (type(None),):
                    raise broken_rule(name_prefix + ".top_k", 'type', 'null', data__topk)
            except SchemaError:
                validate____defs_top_k(data__topk, name_prefix + ".top_k")
            else:
                pass
        if "int8" in data_keys:
            data_keys.remove("int8")
            data__int8 = data["int8"]
            if type(data__int8) not in (dict, type(None),):
                raise broken_rule(name_prefix + ".int8", 'type', ['object', 'null'], data__int8)
            try:
                if type(data__int8) not in (type(None),):
                    raise broken_rule(name_prefix + ".int8", 'type', 'null', data__int8)
            except SchemaError:
                validate____defs_int8(data__int8, name_prefix + ".int8")
            else:
                pass
        if "statistics" in data_keys:
            data_keys.remove("statistics")
            data__statistics = data["statistics"]
            if type(data__statistics) not in (dict, type(None),):
                raise broken_rule(name_prefix + ".statistics", 'type', ['object', 'null'], data__statistics)
            try:
                if type(data__statistics) not in (type(None),):
                    raise broken_rule(name_prefix + ".statistics", 'type', 'null', data__statistics)
            except SchemaError:
                validate____defs_statistics(data__statistics, name_prefix + ".statistics")
            else:
                pass
        if "files" in data_keys:
            data_keys.remove("files")
            data__files = data["files"]
            data__files_is_dict = isinstance(data__files, dict)
            if data__files_is_dict:
                for data__files_key in data__files:
                    if isinstance(data__files_key, str):
                        if not REGEX_PATTERNS['^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}$'].search(data__files_key):
                            raise broken_rule(name_prefix + ".files", 'pattern', '^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}$', data__files_key)
            if type(data__files) not in (dict,):
                raise broken_rule(name_prefix + ".files", 'type', 'object', data__files)
            if data__files_is_dict:
                data__files__missing_keys = set(['README.md', 'encoder.onnx']) - data__files.keys()
                if data__files__missing_keys:
                    raise broken_rule(name_prefix + ".files", 'required', ['README.md', 'encoder.onnx'], data__files)
                data__files_keys = list(data__files)
                for data__files_key in data__files_keys:
                    if data__files_key not in []:
                        data__files_value = data__files.get(data__files_key)
                        validate____defs_file(data__files_value, name_prefix + ".files.{data__files_key}".format(**locals()))
        if "variants" in data_keys:
            data_keys.remove("variants")
            data__variants = data["variants"]
            validate____defs_variants(data__variants, name_prefix + ".variants")
        if "score" in data_keys:
            data_keys.remove("score")
            data__score = data["score"]
            validate____defs_score(data__score, name_prefix + ".score")
        if "windows" in data_keys:
            data_keys.remove("windows")
            data__windows = data["windows"]
            validate____defs_windows(data__windows, name_prefix + ".windows")
        if "rounding" in data_keys:
            data_keys.remove("rounding")
            data__rounding = data["rounding"]
            validate____defs_rounding(data__rounding, name_prefix + ".rounding")
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['format', 'requires', 'input', 'inputs', 'lengths', 'columns', 'categories', 'features', 'offset', 'scale', 'output', 'threshold', 'thresholds', 'calibration', 'missing', 'opset', 'ir_version', 'min_onnxruntime', 'converter', 'versions', 'parity', 'golden', 'top_k', 'int8', 'statistics', 'files', 'variants', 'score', 'windows', 'rounding'], data)
    try:
        data_is_dict = isinstance(data, dict)
        if data_is_dict:
            data_keys = list(data)
            if "format" in data_keys:
                data_keys.remove("format")
                data__format = data["format"]
                if not (isinstance(data__format, (int, float)) and not isinstance(data__format, bool) and data__format == 1):
                    raise broken_rule(name_prefix + ".format", 'const', 1, data__format)
    except SchemaError:
        data_is_dict = isinstance(data, dict)
        if data_is_dict:
            data__missing_keys = set(['requires']) - data.keys()
            if data__missing_keys:
                raise broken_rule(name_prefix, 'required', ['requires'], data)
            data_keys = list(data)
            if "threshold" in data_keys:
                data_keys.remove("threshold")
                data__threshold = data["threshold"]
                if isinstance(data__threshold, (int, float)) and not isinstance(data__threshold, bool):
                    if data__threshold < 0:
                        raise broken_rule(name_prefix + ".threshold", 'minimum', 0, data__threshold)
    else:
        pass
    return data

def validate____defs_rounding(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data_keys = list(data)
        if "encoder" in data_keys:
            data_keys.remove("encoder")
            data__encoder = data["encoder"]
            if type(data__encoder) not in (int, float,):
                raise broken_rule(name_prefix + ".encoder", 'type', 'number', data__encoder)
            if isinstance(data__encoder, (int, float)) and not isinstance(data__encoder, bool):
                if data__encoder <= 0:
                    raise broken_rule(name_prefix + ".encoder", 'exclusiveMinimum', 0, data__encoder)
        if "decoder" in data_keys:
            data_keys.remove("decoder")
            data__decoder = data["decoder"]
            if type(data__decoder) not in (int, float,):
                raise broken_rule(name_prefix + ".decoder", 'type', 'number', data__decoder)
            if isinstance(data__decoder, (int, float)) and not isinstance(data__decoder, bool):
                if data__decoder <= 0:
                    raise broken_rule(name_prefix + ".decoder", 'exclusiveMinimum', 0, data__decoder)
        if "score" in data_keys:
            data_keys.remove("score")
            data__score = data["score"]
            if type(data__score) not in (int, float,):
                raise broken_rule(name_prefix + ".score", 'type', 'number', data__score)
            if isinstance(data__score, (int, float)) and not isinstance(data__score, bool):
                if data__score <= 0:
                    raise broken_rule(name_prefix + ".score", 'exclusiveMinimum', 0, data__score)
        if "features" in data_keys:
            data_keys.remove("features")
            data__features = data["features"]
            if type(data__features) not in (int, float,):
                raise broken_rule(name_prefix + ".features", 'type', 'number', data__features)
            if isinstance(data__features, (int, float)) and not isinstance(data__features, bool):
                if data__features <= 0:
                    raise broken_rule(name_prefix + ".features", 'exclusiveMinimum', 0, data__features)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['encoder', 'decoder', 'score', 'features'], data)
    return data

def validate____defs_windows(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['window', 'hop', 'sampling_rate', 'channels']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['window', 'hop', 'sampling_rate', 'channels'], data)
        data_keys = list(data)
        if "window" in data_keys:
            data_keys.remove("window")
            data__window = data["window"]
            if type(data__window) not in (int,):
                raise broken_rule(name_prefix + ".window", 'type', 'integer', data__window)
            if isinstance(data__window, (int, float)) and not isinstance(data__window, bool):
                if data__window < 1:
                    raise broken_rule(name_prefix + ".window", 'minimum', 1, data__window)
                if data__window > 16777216:
                    raise broken_rule(name_prefix + ".window", 'maximum', 16777216, data__window)
        if "hop" in data_keys:
            data_keys.remove("hop")
            data__hop = data["hop"]
            if type(data__hop) not in (int,):
                raise broken_rule(name_prefix + ".hop", 'type', 'integer', data__hop)
            if isinstance(data__hop, (int, float)) and not isinstance(data__hop, bool):
                if data__hop < 1:
                    raise broken_rule(name_prefix + ".hop", 'minimum', 1, data__hop)
                if data__hop > 9007199254740991:
                    raise broken_rule(name_prefix + ".hop", 'maximum', 9007199254740991, data__hop)
        if "sampling_rate" in data_keys:
            data_keys.remove("sampling_rate")
            data__samplingrate = data["sampling_rate"]
            if type(data__samplingrate) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".sampling_rate", 'type', ['number', 'null'], data__samplingrate)
            if isinstance(data__samplingrate, (int, float)) and not isinstance(data__samplingrate, bool):
                if data__samplingrate <= 0:
                    raise broken_rule(name_prefix + ".sampling_rate", 'exclusiveMinimum', 0, data__samplingrate)
        if "channels" in data_keys:
            data_keys.remove("channels")
            data__channels = data["channels"]
            if type(data__channels) not in (int,):
                raise broken_rule(name_prefix + ".channels", 'type', 'integer', data__channels)
            if isinstance(data__channels, (int, float)) and not isinstance(data__channels, bool):
                if data__channels < 1:
                    raise broken_rule(name_prefix + ".channels", 'minimum', 1, data__channels)
                if data__channels > 16777216:
                    raise broken_rule(name_prefix + ".channels", 'maximum', 16777216, data__channels)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['window', 'hop', 'sampling_rate', 'channels'], data)
    return data

def validate____defs_score(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['alarm']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['alarm'], data)
        data_keys = list(data)
        if "alarm" in data_keys:
            data_keys.remove("alarm")
            data__alarm = data["alarm"]
            if type(data__alarm) not in (dict, type(None),):
                raise broken_rule(name_prefix + ".alarm", 'type', ['object', 'null'], data__alarm)
            try:
                if type(data__alarm) not in (type(None),):
                    raise broken_rule(name_prefix + ".alarm", 'type', 'null', data__alarm)
            except SchemaError:
                validate____defs_alarm(data__alarm, name_prefix + ".alarm")
            else:
                pass
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['alarm'], data)
    return data

def validate____defs_alarm(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['threshold', 'false_alarm_rate', 'unit', 'units', 'rows', 'assumes', 'estimate']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['threshold', 'false_alarm_rate', 'unit', 'units', 'rows', 'assumes', 'estimate'], data)
        data_keys = list(data)
        if "threshold" in data_keys:
            data_keys.remove("threshold")
            data__threshold = data["threshold"]
            if type(data__threshold) not in (int, float,):
                raise broken_rule(name_prefix + ".threshold", 'type', 'number', data__threshold)
            if isinstance(data__threshold, (int, float)) and not isinstance(data__threshold, bool):
                if data__threshold < 0:
                    raise broken_rule(name_prefix + ".threshold", 'minimum', 0, data__threshold)
                if data__threshold > 3.5e+38:
                    raise broken_rule(name_prefix + ".threshold", 'maximum', 3.5e+38, data__threshold)
        if "false_alarm_rate" in data_keys:
            data_keys.remove("false_alarm_rate")
            data__falsealarmrate = data["false_alarm_rate"]
            if type(data__falsealarmrate) not in (int, float,):
                raise broken_rule(name_prefix + ".false_alarm_rate", 'type', 'number', data__falsealarmrate)
            if isinstance(data__falsealarmrate, (int, float)) and not isinstance(data__falsealarmrate, bool):
                if data__falsealarmrate > 1:
                    raise broken_rule(name_prefix + ".false_alarm_rate", 'maximum', 1, data__falsealarmrate)
                if data__falsealarmrate <= 0:
                    raise broken_rule(name_prefix + ".false_alarm_rate", 'exclusiveMinimum', 0, data__falsealarmrate)
        if "unit" in data_keys:
            data_keys.remove("unit")
            data__unit = data["unit"]
            if not (isinstance(data__unit, str) and data__unit == 'row' or isinstance(data__unit, str) and data__unit == 'recording'):
                raise broken_rule(name_prefix + ".unit", 'enum', ['row', 'recording'], data__unit)
        if "units" in data_keys:
            data_keys.remove("units")
            data__units = data["units"]
            if type(data__units) not in (int,):
                raise broken_rule(name_prefix + ".units", 'type', 'integer', data__units)
            if isinstance(data__units, (int, float)) and not isinstance(data__units, bool):
                if data__units < 2:
                    raise broken_rule(name_prefix + ".units", 'minimum', 2, data__units)
                if data__units > 9007199254740991:
                    raise broken_rule(name_prefix + ".units", 'maximum', 9007199254740991, data__units)
        if "rows" in data_keys:
            data_keys.remove("rows")
            data__rows = data["rows"]
            if type(data__rows) not in (int,):
                raise broken_rule(name_prefix + ".rows", 'type', 'integer', data__rows)
            if isinstance(data__rows, (int, float)) and not isinstance(data__rows, bool):
                if data__rows < 2:
                    raise broken_rule(name_prefix + ".rows", 'minimum', 2, data__rows)
                if data__rows > 9007199254740991:
                    raise broken_rule(name_prefix + ".rows", 'maximum', 9007199254740991, data__rows)
        if "assumes" in data_keys:
            data_keys.remove("assumes")
            data__assumes = data["assumes"]
            if type(data__assumes) not in (str,):
                raise broken_rule(name_prefix + ".assumes", 'type', 'string', data__assumes)
            if isinstance(data__assumes, str):
                if not REGEX_PATTERNS['^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$'].search(data__assumes):
                    raise broken_rule(name_prefix + ".assumes", 'pattern', '^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$', data__assumes)
        if "estimate" in data_keys:
            data_keys.remove("estimate")
            data__estimate = data["estimate"]
            if type(data__estimate) not in (dict, type(None),):
                raise broken_rule(name_prefix + ".estimate", 'type', ['object', 'null'], data__estimate)
            try:
                if type(data__estimate) not in (type(None),):
                    raise broken_rule(name_prefix + ".estimate", 'type', 'null', data__estimate)
            except SchemaError:
                validate____defs_estimate(data__estimate, name_prefix + ".estimate")
            else:
                pass
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['threshold', 'false_alarm_rate', 'unit', 'units', 'rows', 'assumes', 'estimate'], data)
    return data

def validate____defs_estimate(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['needed', 'thresholds', 'rates', 'mean_rate']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['needed', 'thresholds', 'rates', 'mean_rate'], data)
        data_keys = list(data)
        if "needed" in data_keys:
            data_keys.remove("needed")
            data__needed = data["needed"]
            if type(data__needed) not in (int,):
                raise broken_rule(name_prefix + ".needed", 'type', 'integer', data__needed)
            if isinstance(data__needed, (int, float)) and not isinstance(data__needed, bool):
                if data__needed < 1:
                    raise broken_rule(name_prefix + ".needed", 'minimum', 1, data__needed)
                if data__needed > 9007199254740991:
                    raise broken_rule(name_prefix + ".needed", 'maximum', 9007199254740991, data__needed)
        if "thresholds" in data_keys:
            data_keys.remove("thresholds")
            data__thresholds = data["thresholds"]
            if type(data__thresholds) not in (list,):
                raise broken_rule(name_prefix + ".thresholds", 'type', 'array', data__thresholds)
            data__thresholds_is_list = isinstance(data__thresholds, (list, tuple))
            if data__thresholds_is_list:
                data__thresholds_len = len(data__thresholds)
                if data__thresholds_len < 2:
                    raise broken_rule(name_prefix + ".thresholds", 'minItems', 2, data__thresholds)
                if data__thresholds_len > 2:
                    raise broken_rule(name_prefix + ".thresholds", 'maxItems', 2, data__thresholds)
            if not are_numbers(data__thresholds, (int, float,), minimum=0, maximum=3.5e+38):
                if data__thresholds_is_list:
                    data__thresholds_len = len(data__thresholds)
                    for data__thresholds_x, data__thresholds_item in enumerate(data__thresholds):
                        if type(data__thresholds_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".thresholds[{data__thresholds_x}]".format(**locals()) + "", 'type', 'number', data__thresholds_item)
                        if isinstance(data__thresholds_item, (int, float)) and not isinstance(data__thresholds_item, bool):
                            if data__thresholds_item < 0:
                                raise broken_rule(name_prefix + ".thresholds[{data__thresholds_x}]".format(**locals()) + "", 'minimum', 0, data__thresholds_item)
                            if data__thresholds_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".thresholds[{data__thresholds_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__thresholds_item)
        if "rates" in data_keys:
            data_keys.remove("rates")
            data__rates = data["rates"]
            if type(data__rates) not in (list,):
                raise broken_rule(name_prefix + ".rates", 'type', 'array', data__rates)
            data__rates_is_list = isinstance(data__rates, (list, tuple))
            if data__rates_is_list:
                data__rates_len = len(data__rates)
                if data__rates_len < 2:
                    raise broken_rule(name_prefix + ".rates", 'minItems', 2, data__rates)
                if data__rates_len > 2:
                    raise broken_rule(name_prefix + ".rates", 'maxItems', 2, data__rates)
            if not are_numbers(data__rates, (int, float,), minimum=0, maximum=1):
                if data__rates_is_list:
                    data__rates_len = len(data__rates)
                    for data__rates_x, data__rates_item in enumerate(data__rates):
                        if type(data__rates_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".rates[{data__rates_x}]".format(**locals()) + "", 'type', 'number', data__rates_item)
                        if isinstance(data__rates_item, (int, float)) and not isinstance(data__rates_item, bool):
                            if data__rates_item < 0:
                                raise broken_rule(name_prefix + ".rates[{data__rates_x}]".format(**locals()) + "", 'minimum', 0, data__rates_item)
                            if data__rates_item > 1:
                                raise broken_rule(name_prefix + ".rates[{data__rates_x}]".format(**locals()) + "", 'maximum', 1, data__rates_item)
        if "mean_rate" in data_keys:
            data_keys.remove("mean_rate")
            data__meanrate = data["mean_rate"]
            if type(data__meanrate) not in (int, float,):
                raise broken_rule(name_prefix + ".mean_rate", 'type', 'number', data__meanrate)
            if isinstance(data__meanrate, (int, float)) and not isinstance(data__meanrate, bool):
                if data__meanrate < 0:
                    raise broken_rule(name_prefix + ".mean_rate", 'minimum', 0, data__meanrate)
                if data__meanrate > 1:
                    raise broken_rule(name_prefix + ".mean_rate", 'maximum', 1, data__meanrate)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['needed', 'thresholds', 'rates', 'mean_rate'], data)
    return data

def validate____defs_variants(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data_keys = list(data)
        if "float16" in data_keys:
            data_keys.remove("float16")
            data__float16 = data["float16"]
            validate____defs_float16(data__float16, name_prefix + ".float16")
        if "litert" in data_keys:
            data_keys.remove("litert")
            data__litert = data["litert"]
            validate____defs_litert(data__litert, name_prefix + ".litert")
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['float16', 'litert'], data)
    return data

def validate____defs_litert(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['operators', 'parity']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['operators', 'parity'], data)
        data_keys = list(data)
        if "operators" in data_keys:
            data_keys.remove("operators")
            data__operators = data["operators"]
            if type(data__operators) not in (list,):
                raise broken_rule(name_prefix + ".operators", 'type', 'array', data__operators)
            data__operators_is_list = isinstance(data__operators, (list, tuple))
            if data__operators_is_list:
                data__operators_len = len(data__operators)
                if data__operators_len < 1:
                    raise broken_rule(name_prefix + ".operators", 'minItems', 1, data__operators)
                if data__operators_len > 256:
                    raise broken_rule(name_prefix + ".operators", 'maxItems', 256, data__operators)
                for data__operators_x, data__operators_item in enumerate(data__operators):
                    if type(data__operators_item) not in (str,):
                        raise broken_rule(name_prefix + ".operators[{data__operators_x}]".format(**locals()) + "", 'type', 'string', data__operators_item)
                    if isinstance(data__operators_item, str):
                        if not REGEX_PATTERNS['^[A-Z][A-Z0-9_]{0,63}$'].search(data__operators_item):
                            raise broken_rule(name_prefix + ".operators[{data__operators_x}]".format(**locals()) + "", 'pattern', '^[A-Z][A-Z0-9_]{0,63}$', data__operators_item)
        if "parity" in data_keys:
            data_keys.remove("parity")
            data__parity = data["parity"]
            validate____defs_parity(data__parity, name_prefix + ".parity")
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['operators', 'parity'], data)
    return data

def validate____defs_float16(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['held_out_rows', 'report', 'parity']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['held_out_rows', 'report', 'parity'], data)
        data_keys = list(data)
        if "held_out_rows" in data_keys:
            data_keys.remove("held_out_rows")
            data__heldoutrows = data["held_out_rows"]
            if type(data__heldoutrows) not in (int,):
                raise broken_rule(name_prefix + ".held_out_rows", 'type', 'integer', data__heldoutrows)
            if isinstance(data__heldoutrows, (int, float)) and not isinstance(data__heldoutrows, bool):
                if data__heldoutrows < 1:
                    raise broken_rule(name_prefix + ".held_out_rows", 'minimum', 1, data__heldoutrows)
                if data__heldoutrows > 9007199254740991:
                    raise broken_rule(name_prefix + ".held_out_rows", 'maximum', 9007199254740991, data__heldoutrows)
        if "report" in data_keys:
            data_keys.remove("report")
            data__report = data["report"]
            validate____defs_comparison_of_variant(data__report, name_prefix + ".report")
        if "parity" in data_keys:
            data_keys.remove("parity")
            data__parity = data["parity"]
            if type(data__parity) not in (dict,):
                raise broken_rule(name_prefix + ".parity", 'type', 'object', data__parity)
            data__parity_is_dict = isinstance(data__parity, dict)
            if data__parity_is_dict:
                data__parity__missing_keys = set(['jaccard', 'max_abs_error', 'rows', 'batch_sizes']) - data__parity.keys()
                if data__parity__missing_keys:
                    raise broken_rule(name_prefix + ".parity", 'required', ['jaccard', 'max_abs_error', 'rows', 'batch_sizes'], data__parity)
                data__parity_keys = list(data__parity)
                if "jaccard" in data__parity_keys:
                    data__parity_keys.remove("jaccard")
                    data__parity__jaccard = data__parity["jaccard"]
                    if type(data__parity__jaccard) not in (int, float,):
                        raise broken_rule(name_prefix + ".parity.jaccard", 'type', 'number', data__parity__jaccard)
                    if isinstance(data__parity__jaccard, (int, float)) and not isinstance(data__parity__jaccard, bool):
                        if data__parity__jaccard < 0:
                            raise broken_rule(name_prefix + ".parity.jaccard", 'minimum', 0, data__parity__jaccard)
                        if data__parity__jaccard > 1:
                            raise broken_rule(name_prefix + ".parity.jaccard", 'maximum', 1, data__parity__jaccard)
                if "max_abs_error" in data__parity_keys:
                    data__parity_keys.remove("max_abs_error")
                    data__parity__maxabserror = data__parity["max_abs_error"]
                    if type(data__parity__maxabserror) not in (int, float,):
                        raise broken_rule(name_prefix + ".parity.max_abs_error", 'type', 'number', data__parity__maxabserror)
                    if isinstance(data__parity__maxabserror, (int, float)) and not isinstance(data__parity__maxabserror, bool):
                        if data__parity__maxabserror < 0:
                            raise broken_rule(name_prefix + ".parity.max_abs_error", 'minimum', 0, data__parity__maxabserror)
                if "rows" in data__parity_keys:
                    data__parity_keys.remove("rows")
                    data__parity__rows = data__parity["rows"]
                    if type(data__parity__rows) not in (int,):
                        raise broken_rule(name_prefix + ".parity.rows", 'type', 'integer', data__parity__rows)
                    if isinstance(data__parity__rows, (int, float)) and not isinstance(data__parity__rows, bool):
                        if data__parity__rows < 1:
                            raise broken_rule(name_prefix + ".parity.rows", 'minimum', 1, data__parity__rows)
                        if data__parity__rows > 9007199254740991:
                            raise broken_rule(name_prefix + ".parity.rows", 'maximum', 9007199254740991, data__parity__rows)
                if "batch_sizes" in data__parity_keys:
                    data__parity_keys.remove("batch_sizes")
                    data__parity__batchsizes = data__parity["batch_sizes"]
                    if type(data__parity__batchsizes) not in (list,):
                        raise broken_rule(name_prefix + ".parity.batch_sizes", 'type', 'array', data__parity__batchsizes)
                    if not are_numbers(data__parity__batchsizes, (int,), minimum=1, maximum=9007199254740991):
                        data__parity__batchsizes_is_list = isinstance(data__parity__batchsizes, (list, tuple))
                        if data__parity__batchsizes_is_list:
                            data__parity__batchsizes_len = len(data__parity__batchsizes)
                            for data__parity__batchsizes_x, data__parity__batchsizes_item in enumerate(data__parity__batchsizes):
                                if type(data__parity__batchsizes_item) not in (int,):
                                    raise broken_rule(name_prefix + ".parity.batch_sizes[{data__parity__batchsizes_x}]".format(**locals()) + "", 'type', 'integer', data__parity__batchsizes_item)
                                if isinstance(data__parity__batchsizes_item, (int, float)) and not isinstance(data__parity__batchsizes_item, bool):
                                    if data__parity__batchsizes_item < 1:
                                        raise broken_rule(name_prefix + ".parity.batch_sizes[{data__parity__batchsizes_x}]".format(**locals()) + "", 'minimum', 1, data__parity__batchsizes_item)
                                    if data__parity__batchsizes_item > 9007199254740991:
                                        raise broken_rule(name_prefix + ".parity.batch_sizes[{data__parity__batchsizes_x}]".format(**locals()) + "", 'maximum', 9007199254740991, data__parity__batchsizes_item)
                if data__parity_keys:
                    raise broken_rule(name_prefix + ".parity", 'additionalProperties', ['jaccard', 'max_abs_error', 'rows', 'batch_sizes'], data__parity)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['held_out_rows', 'report', 'parity'], data)
    return data

def validate____defs_comparison_of_variant(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['jaccard', 'jaccard_per_row', 'top_k', 'top_k_overlap', 'l0_float32', 'l0_variant', 'cosine', 'max_abs_error', 'mse_float32', 'mse_variant', 'probe_float32', 'probe_variant', 'file_bytes_float32', 'file_bytes_variant', 'weight_bytes_float32', 'weight_bytes_variant']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['jaccard', 'jaccard_per_row', 'top_k', 'top_k_overlap', 'l0_float32', 'l0_variant', 'cosine', 'max_abs_error', 'mse_float32', 'mse_variant', 'probe_float32', 'probe_variant', 'file_bytes_float32', 'file_bytes_variant', 'weight_bytes_float32', 'weight_bytes_variant'], data)
        data_keys = list(data)
        if "jaccard" in data_keys:
            data_keys.remove("jaccard")
            data__jaccard = data["jaccard"]
            if type(data__jaccard) not in (int, float,):
                raise broken_rule(name_prefix + ".jaccard", 'type', 'number', data__jaccard)
            if isinstance(data__jaccard, (int, float)) and not isinstance(data__jaccard, bool):
                if data__jaccard < 0:
                    raise broken_rule(name_prefix + ".jaccard", 'minimum', 0, data__jaccard)
                if data__jaccard > 1:
                    raise broken_rule(name_prefix + ".jaccard", 'maximum', 1, data__jaccard)
        if "jaccard_per_row" in data_keys:
            data_keys.remove("jaccard_per_row")
            data__jaccardperrow = data["jaccard_per_row"]
            if type(data__jaccardperrow) not in (int, float,):
                raise broken_rule(name_prefix + ".jaccard_per_row", 'type', 'number', data__jaccardperrow)
            if isinstance(data__jaccardperrow, (int, float)) and not isinstance(data__jaccardperrow, bool):
                if data__jaccardperrow < 0:
                    raise broken_rule(name_prefix + ".jaccard_per_row", 'minimum', 0, data__jaccardperrow)
                if data__jaccardperrow > 1:
                    raise broken_rule(name_prefix + ".jaccard_per_row", 'maximum', 1, data__jaccardperrow)
        if "top_k" in data_keys:
            data_keys.remove("top_k")
            data__topk = data["top_k"]
            if type(data__topk) not in (int,):
                raise broken_rule(name_prefix + ".top_k", 'type', 'integer', data__topk)
            if isinstance(data__topk, (int, float)) and not isinstance(data__topk, bool):
                if data__topk < 1:
                    raise broken_rule(name_prefix + ".top_k", 'minimum', 1, data__topk)
                if data__topk > 9007199254740991:
                    raise broken_rule(name_prefix + ".top_k", 'maximum', 9007199254740991, data__topk)
        if "top_k_overlap" in data_keys:
            data_keys.remove("top_k_overlap")
            data__topkoverlap = data["top_k_overlap"]
            if type(data__topkoverlap) not in (int, float,):
                raise broken_rule(name_prefix + ".top_k_overlap", 'type', 'number', data__topkoverlap)
            if isinstance(data__topkoverlap, (int, float)) and not isinstance(data__topkoverlap, bool):
                if data__topkoverlap < 0:
                    raise broken_rule(name_prefix + ".top_k_overlap", 'minimum', 0, data__topkoverlap)
                if data__topkoverlap > 1:
                    raise broken_rule(name_prefix + ".top_k_overlap", 'maximum', 1, data__topkoverlap)
        if "l0_float32" in data_keys:
            data_keys.remove("l0_float32")
            data__l0float32 = data["l0_float32"]
            if type(data__l0float32) not in (int, float,):
                raise broken_rule(name_prefix + ".l0_float32", 'type', 'number', data__l0float32)
            if isinstance(data__l0float32, (int, float)) and not isinstance(data__l0float32, bool):
                if data__l0float32 < 0:
                    raise broken_rule(name_prefix + ".l0_float32", 'minimum', 0, data__l0float32)
        if "l0_variant" in data_keys:
            data_keys.remove("l0_variant")
            data__l0variant = data["l0_variant"]
            if type(data__l0variant) not in (int, float,):
                raise broken_rule(name_prefix + ".l0_variant", 'type', 'number', data__l0variant)
            if isinstance(data__l0variant, (int, float)) and not isinstance(data__l0variant, bool):
                if data__l0variant < 0:
                    raise broken_rule(name_prefix + ".l0_variant", 'minimum', 0, data__l0variant)
        if "cosine" in data_keys:
            data_keys.remove("cosine")
            data__cosine = data["cosine"]
            if type(data__cosine) not in (int, float,):
                raise broken_rule(name_prefix + ".cosine", 'type', 'number', data__cosine)
            if isinstance(data__cosine, (int, float)) and not isinstance(data__cosine, bool):
                if data__cosine < -1:
                    raise broken_rule(name_prefix + ".cosine", 'minimum', -1, data__cosine)
                if data__cosine > 1.000001:
                    raise broken_rule(name_prefix + ".cosine", 'maximum', 1.000001, data__cosine)
        if "max_abs_error" in data_keys:
            data_keys.remove("max_abs_error")
            data__maxabserror = data["max_abs_error"]
            if type(data__maxabserror) not in (int, float,):
                raise broken_rule(name_prefix + ".max_abs_error", 'type', 'number', data__maxabserror)
            if isinstance(data__maxabserror, (int, float)) and not isinstance(data__maxabserror, bool):
                if data__maxabserror < 0:
                    raise broken_rule(name_prefix + ".max_abs_error", 'minimum', 0, data__maxabserror)
        if "mse_float32" in data_keys:
            data_keys.remove("mse_float32")
            data__msefloat32 = data["mse_float32"]
            if type(data__msefloat32) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".mse_float32", 'type', ['number', 'null'], data__msefloat32)
            if isinstance(data__msefloat32, (int, float)) and not isinstance(data__msefloat32, bool):
                if data__msefloat32 < 0:
                    raise broken_rule(name_prefix + ".mse_float32", 'minimum', 0, data__msefloat32)
        if "mse_variant" in data_keys:
            data_keys.remove("mse_variant")
            data__msevariant = data["mse_variant"]
            if type(data__msevariant) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".mse_variant", 'type', ['number', 'null'], data__msevariant)
            if isinstance(data__msevariant, (int, float)) and not isinstance(data__msevariant, bool):
                if data__msevariant < 0:
                    raise broken_rule(name_prefix + ".mse_variant", 'minimum', 0, data__msevariant)
        if "probe_float32" in data_keys:
            data_keys.remove("probe_float32")
            data__probefloat32 = data["probe_float32"]
            if type(data__probefloat32) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".probe_float32", 'type', ['number', 'null'], data__probefloat32)
            if isinstance(data__probefloat32, (int, float)) and not isinstance(data__probefloat32, bool):
                if data__probefloat32 < 0:
                    raise broken_rule(name_prefix + ".probe_float32", 'minimum', 0, data__probefloat32)
                if data__probefloat32 > 1:
                    raise broken_rule(name_prefix + ".probe_float32", 'maximum', 1, data__probefloat32)
        if "probe_variant" in data_keys:
            data_keys.remove("probe_variant")
            data__probevariant = data["probe_variant"]
            if type(data__probevariant) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".probe_variant", 'type', ['number', 'null'], data__probevariant)
            if isinstance(data__probevariant, (int, float)) and not isinstance(data__probevariant, bool):
                if data__probevariant < 0:
                    raise broken_rule(name_prefix + ".probe_variant", 'minimum', 0, data__probevariant)
                if data__probevariant > 1:
                    raise broken_rule(name_prefix + ".probe_variant", 'maximum', 1, data__probevariant)
        if "file_bytes_float32" in data_keys:
            data_keys.remove("file_bytes_float32")
            data__filebytesfloat32 = data["file_bytes_float32"]
            if type(data__filebytesfloat32) not in (int,):
                raise broken_rule(name_prefix + ".file_bytes_float32", 'type', 'integer', data__filebytesfloat32)
            if isinstance(data__filebytesfloat32, (int, float)) and not isinstance(data__filebytesfloat32, bool):
                if data__filebytesfloat32 < 0:
                    raise broken_rule(name_prefix + ".file_bytes_float32", 'minimum', 0, data__filebytesfloat32)
                if data__filebytesfloat32 > 9007199254740991:
                    raise broken_rule(name_prefix + ".file_bytes_float32", 'maximum', 9007199254740991, data__filebytesfloat32)
        if "file_bytes_variant" in data_keys:
            data_keys.remove("file_bytes_variant")
            data__filebytesvariant = data["file_bytes_variant"]
            if type(data__filebytesvariant) not in (int,):
                raise broken_rule(name_prefix + ".file_bytes_variant", 'type', 'integer', data__filebytesvariant)
            if isinstance(data__filebytesvariant, (int, float)) and not isinstance(data__filebytesvariant, bool):
                if data__filebytesvariant < 0:
                    raise broken_rule(name_prefix + ".file_bytes_variant", 'minimum', 0, data__filebytesvariant)
                if data__filebytesvariant > 9007199254740991:
                    raise broken_rule(name_prefix + ".file_bytes_variant", 'maximum', 9007199254740991, data__filebytesvariant)
        if "weight_bytes_float32" in data_keys:
            data_keys.remove("weight_bytes_float32")
            data__weightbytesfloat32 = data["weight_bytes_float32"]
            if type(data__weightbytesfloat32) not in (int,):
                raise broken_rule(name_prefix + ".weight_bytes_float32", 'type', 'integer', data__weightbytesfloat32)
            if isinstance(data__weightbytesfloat32, (int, float)) and not isinstance(data__weightbytesfloat32, bool):
                if data__weightbytesfloat32 < 0:
                    raise broken_rule(name_prefix + ".weight_bytes_float32", 'minimum', 0, data__weightbytesfloat32)
                if data__weightbytesfloat32 > 9007199254740991:
                    raise broken_rule(name_prefix + ".weight_bytes_float32", 'maximum', 9007199254740991, data__weightbytesfloat32)
        if "weight_bytes_variant" in data_keys:
            data_keys.remove("weight_bytes_variant")
            data__weightbytesvariant = data["weight_bytes_variant"]
            if type(data__weightbytesvariant) not in (int,):
                raise broken_rule(name_prefix + ".weight_bytes_variant", 'type', 'integer', data__weightbytesvariant)
            if isinstance(data__weightbytesvariant, (int, float)) and not isinstance(data__weightbytesvariant, bool):
                if data__weightbytesvariant < 0:
                    raise broken_rule(name_prefix + ".weight_bytes_variant", 'minimum', 0, data__weightbytesvariant)
                if data__weightbytesvariant > 9007199254740991:
                    raise broken_rule(name_prefix + ".weight_bytes_variant", 'maximum', 9007199254740991, data__weightbytesvariant)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['jaccard', 'jaccard_per_row', 'top_k', 'top_k_overlap', 'l0_float32', 'l0_variant', 'cosine', 'max_abs_error', 'mse_float32', 'mse_variant', 'probe_float32', 'probe_variant', 'file_bytes_float32', 'file_bytes_variant', 'weight_bytes_float32', 'weight_bytes_variant'], data)
    return data

def validate____defs_file(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['sha256', 'size']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['sha256', 'size'], data)
        data_keys = list(data)
        if "sha256" in data_keys:
            data_keys.remove("sha256")
            data__sha256 = data["sha256"]
            if type(data__sha256) not in (str,):
                raise broken_rule(name_prefix + ".sha256", 'type', 'string', data__sha256)
            if isinstance(data__sha256, str):
                if not REGEX_PATTERNS['^[0-9a-f]{64}$'].search(data__sha256):
                    raise broken_rule(name_prefix + ".sha256", 'pattern', '^[0-9a-f]{64}$', data__sha256)
        if "size" in data_keys:
            data_keys.remove("size")
            data__size = data["size"]
            if type(data__size) not in (int,):
                raise broken_rule(name_prefix + ".size", 'type', 'integer', data__size)
            if isinstance(data__size, (int, float)) and not isinstance(data__size, bool):
                if data__size < 0:
                    raise broken_rule(name_prefix + ".size", 'minimum', 0, data__size)
                if data__size > 2147483647:
                    raise broken_rule(name_prefix + ".size", 'maximum', 2147483647, data__size)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['sha256', 'size'], data)
    return data

def validate____defs_statistics(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['rows', 'l0', 'dead_units', 'mean_activation', 'active_share', 'activation_std', 'active_std', 'activation_skewness', 'active_skewness', 'drift']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['rows', 'l0', 'dead_units', 'mean_activation', 'active_share', 'activation_std', 'active_std', 'activation_skewness', 'active_skewness', 'drift'], data)
        data_keys = list(data)
        if "rows" in data_keys:
            data_keys.remove("rows")
            data__rows = data["rows"]
            if type(data__rows) not in (int,):
                raise broken_rule(name_prefix + ".rows", 'type', 'integer', data__rows)
            if isinstance(data__rows, (int, float)) and not isinstance(data__rows, bool):
                if data__rows < 1:
                    raise broken_rule(name_prefix + ".rows", 'minimum', 1, data__rows)
                if data__rows > 9007199254740991:
                    raise broken_rule(name_prefix + ".rows", 'maximum', 9007199254740991, data__rows)
        if "l0" in data_keys:
            data_keys.remove("l0")
            data__l0 = data["l0"]
            if type(data__l0) not in (int, float,):
                raise broken_rule(name_prefix + ".l0", 'type', 'number', data__l0)
            if isinstance(data__l0, (int, float)) and not isinstance(data__l0, bool):
                if data__l0 < 0:
                    raise broken_rule(name_prefix + ".l0", 'minimum', 0, data__l0)
        if "dead_units" in data_keys:
            data_keys.remove("dead_units")
            data__deadunits = data["dead_units"]
            if type(data__deadunits) not in (int,):
                raise broken_rule(name_prefix + ".dead_units", 'type', 'integer', data__deadunits)
            if isinstance(data__deadunits, (int, float)) and not isinstance(data__deadunits, bool):
                if data__deadunits < 0:
                    raise broken_rule(name_prefix + ".dead_units", 'minimum', 0, data__deadunits)
                if data__deadunits > 9007199254740991:
                    raise broken_rule(name_prefix + ".dead_units", 'maximum', 9007199254740991, data__deadunits)
        if "mean_activation" in data_keys:
            data_keys.remove("mean_activation")
            data__meanactivation = data["mean_activation"]
            if type(data__meanactivation) not in (list,):
                raise broken_rule(name_prefix + ".mean_activation", 'type', 'array', data__meanactivation)
            if not are_numbers(data__meanactivation, (int, float,), minimum=-3.5e+38, maximum=3.5e+38):
                data__meanactivation_is_list = isinstance(data__meanactivation, (list, tuple))
                if data__meanactivation_is_list:
                    data__meanactivation_len = len(data__meanactivation)
                    for data__meanactivation_x, data__meanactivation_item in enumerate(data__meanactivation):
                        if type(data__meanactivation_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".mean_activation[{data__meanactivation_x}]".format(**locals()) + "", 'type', 'number', data__meanactivation_item)
                        if isinstance(data__meanactivation_item, (int, float)) and not isinstance(data__meanactivation_item, bool):
                            if data__meanactivation_item < -3.5e+38:
                                raise broken_rule(name_prefix + ".mean_activation[{data__meanactivation_x}]".format(**locals()) + "", 'minimum', -3.5e+38, data__meanactivation_item)
                            if data__meanactivation_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".mean_activation[{data__meanactivation_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__meanactivation_item)
        if "active_share" in data_keys:
            data_keys.remove("active_share")
            data__activeshare = data["active_share"]
            if type(data__activeshare) not in (list,):
                raise broken_rule(name_prefix + ".active_share", 'type', 'array', data__activeshare)
            if not are_numbers(data__activeshare, (int, float,), minimum=0, maximum=1):
                data__activeshare_is_list = isinstance(data__activeshare, (list, tuple))
                if data__activeshare_is_list:
                    data__activeshare_len = len(data__activeshare)
                    for data__activeshare_x, data__activeshare_item in enumerate(data__activeshare):
                        if type(data__activeshare_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".active_share[{data__activeshare_x}]".format(**locals()) + "", 'type', 'number', data__activeshare_item)
                        if isinstance(data__activeshare_item, (int, float)) and not isinstance(data__activeshare_item, bool):
                            if data__activeshare_item < 0:
                                raise broken_rule(name_prefix + ".active_share[{data__activeshare_x}]".format(**locals()) + "", 'minimum', 0, data__activeshare_item)
                            if data__activeshare_item > 1:
                                raise broken_rule(name_prefix + ".active_share[{data__activeshare_x}]".format(**locals()) + "", 'maximum', 1, data__activeshare_item)
        if "activation_std" in data_keys:
            data_keys.remove("activation_std")
            data__activationstd = data["activation_std"]
            if type(data__activationstd) not in (list,):
                raise broken_rule(name_prefix + ".activation_std", 'type', 'array', data__activationstd)
            if not are_numbers(data__activationstd, (int, float,), minimum=0, maximum=3.5e+38):
                data__activationstd_is_list = isinstance(data__activationstd, (list, tuple))
                if data__activationstd_is_list:
                    data__activationstd_len = len(data__activationstd)
                    for data__activationstd_x, data__activationstd_item in enumerate(data__activationstd):
                        if type(data__activationstd_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".activation_std[{data__activationstd_x}]".format(**locals()) + "", 'type', 'number', data__activationstd_item)
                        if isinstance(data__activationstd_item, (int, float)) and not isinstance(data__activationstd_item, bool):
                            if data__activationstd_item < 0:
                                raise broken_rule(name_prefix + ".activation_std[{data__activationstd_x}]".format(**locals()) + "", 'minimum', 0, data__activationstd_item)
                            if data__activationstd_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".activation_std[{data__activationstd_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__activationstd_item)
        if "active_std" in data_keys:
            data_keys.remove("active_std")
            data__activestd = data["active_std"]
            if type(data__activestd) not in (list,):
                raise broken_rule(name_prefix + ".active_std", 'type', 'array', data__activestd)
            if not are_numbers(data__activestd, (int, float,), minimum=0, maximum=1):
                data__activestd_is_list = isinstance(data__activestd, (list, tuple))
                if data__activestd_is_list:
                    data__activestd_len = len(data__activestd)
                    for data__activestd_x, data__activestd_item in enumerate(data__activestd):
                        if type(data__activestd_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".active_std[{data__activestd_x}]".format(**locals()) + "", 'type', 'number', data__activestd_item)
                        if isinstance(data__activestd_item, (int, float)) and not isinstance(data__activestd_item, bool):
                            if data__activestd_item < 0:
                                raise broken_rule(name_prefix + ".active_std[{data__activestd_x}]".format(**locals()) + "", 'minimum', 0, data__activestd_item)
                            if data__activestd_item > 1:
                                raise broken_rule(name_prefix + ".active_std[{data__activestd_x}]".format(**locals()) + "", 'maximum', 1, data__activestd_item)
        if "activation_skewness" in data_keys:
            data_keys.remove("activation_skewness")
            data__activationskewness = data["activation_skewness"]
            if type(data__activationskewness) not in (list,):
                raise broken_rule(name_prefix + ".activation_skewness", 'type', 'array', data__activationskewness)
            if not are_numbers(data__activationskewness, (int, float,), minimum=-1000000000.0, maximum=1000000000.0):
                data__activationskewness_is_list = isinstance(data__activationskewness, (list, tuple))
                if data__activationskewness_is_list:
                    data__activationskewness_len = len(data__activationskewness)
                    for data__activationskewness_x, data__activationskewness_item in enumerate(data__activationskewness):
                        if type(data__activationskewness_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".activation_skewness[{data__activationskewness_x}]".format(**locals()) + "", 'type', 'number', data__activationskewness_item)
                        if isinstance(data__activationskewness_item, (int, float)) and not isinstance(data__activationskewness_item, bool):
                            if data__activationskewness_item < -1000000000.0:
                                raise broken_rule(name_prefix + ".activation_skewness[{data__activationskewness_x}]".format(**locals()) + "", 'minimum', -1000000000.0, data__activationskewness_item)
                            if data__activationskewness_item > 1000000000.0:
                                raise broken_rule(name_prefix + ".activation_skewness[{data__activationskewness_x}]".format(**locals()) + "", 'maximum', 1000000000.0, data__activationskewness_item)
        if "active_skewness" in data_keys:
            data_keys.remove("active_skewness")
            data__activeskewness = data["active_skewness"]
            if type(data__activeskewness) not in (list,):
                raise broken_rule(name_prefix + ".active_skewness", 'type', 'array', data__activeskewness)
            if not are_numbers(data__activeskewness, (int, float,), minimum=-1000000000.0, maximum=1000000000.0):
                data__activeskewness_is_list = isinstance(data__activeskewness, (list, tuple))
                if data__activeskewness_is_list:
                    data__activeskewness_len = len(data__activeskewness)
                    for data__activeskewness_x, data__activeskewness_item in enumerate(data__activeskewness):
                        if type(data__activeskewness_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".active_skewness[{data__activeskewness_x}]".format(**locals()) + "", 'type', 'number', data__activeskewness_item)
                        if isinstance(data__activeskewness_item, (int, float)) and not isinstance(data__activeskewness_item, bool):
                            if data__activeskewness_item < -1000000000.0:
                                raise broken_rule(name_prefix + ".active_skewness[{data__activeskewness_x}]".format(**locals()) + "", 'minimum', -1000000000.0, data__activeskewness_item)
                            if data__activeskewness_item > 1000000000.0:
                                raise broken_rule(name_prefix + ".active_skewness[{data__activeskewness_x}]".format(**locals()) + "", 'maximum', 1000000000.0, data__activeskewness_item)
        if "drift" in data_keys:
            data_keys.remove("drift")
            data__drift = data["drift"]
            if type(data__drift) not in (dict, type(None),):
                raise broken_rule(name_prefix + ".drift", 'type', ['object', 'null'], data__drift)
            try:
                if type(data__drift) not in (type(None),):
                    raise broken_rule(name_prefix + ".drift", 'type', 'null', data__drift)
            except SchemaError:
                validate____defs_drift(data__drift, name_prefix + ".drift")
            else:
                pass
        if "columns" in data_keys:
            data_keys.remove("columns")
            data__columns = data["columns"]
            validate____defs_columns(data__columns, name_prefix + ".columns")
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['rows', 'l0', 'dead_units', 'mean_activation', 'active_share', 'activation_std', 'active_std', 'activation_skewness', 'active_skewness', 'drift', 'columns'], data)
    return data

def validate____defs_columns(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['rows', 'mean', 'std', 'skewness']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['rows', 'mean', 'std', 'skewness'], data)
        data_keys = list(data)
        if "rows" in data_keys:
            data_keys.remove("rows")
            data__rows = data["rows"]
            if type(data__rows) not in (list,):
                raise broken_rule(name_prefix + ".rows", 'type', 'array', data__rows)
            data__rows_is_list = isinstance(data__rows, (list, tuple))
            if data__rows_is_list:
                data__rows_len = len(data__rows)
                if data__rows_len < 1:
                    raise broken_rule(name_prefix + ".rows", 'minItems', 1, data__rows)
                if data__rows_len > 16384:
                    raise broken_rule(name_prefix + ".rows", 'maxItems', 16384, data__rows)
            if not are_numbers(data__rows, (int,), minimum=0, maximum=9007199254740991):
                if data__rows_is_list:
                    data__rows_len = len(data__rows)
                    for data__rows_x, data__rows_item in enumerate(data__rows):
                        if type(data__rows_item) not in (int,):
                            raise broken_rule(name_prefix + ".rows[{data__rows_x}]".format(**locals()) + "", 'type', 'integer', data__rows_item)
                        if isinstance(data__rows_item, (int, float)) and not isinstance(data__rows_item, bool):
                            if data__rows_item < 0:
                                raise broken_rule(name_prefix + ".rows[{data__rows_x}]".format(**locals()) + "", 'minimum', 0, data__rows_item)
                            if data__rows_item > 9007199254740991:
                                raise broken_rule(name_prefix + ".rows[{data__rows_x}]".format(**locals()) + "", 'maximum', 9007199254740991, data__rows_item)
        if "mean" in data_keys:
            data_keys.remove("mean")
            data__mean = data["mean"]
            if type(data__mean) not in (list,):
                raise broken_rule(name_prefix + ".mean", 'type', 'array', data__mean)
            data__mean_is_list = isinstance(data__mean, (list, tuple))
            if data__mean_is_list:
                data__mean_len = len(data__mean)
                if data__mean_len < 1:
                    raise broken_rule(name_prefix + ".mean", 'minItems', 1, data__mean)
                if data__mean_len > 16384:
                    raise broken_rule(name_prefix + ".mean", 'maxItems', 16384, data__mean)
            if not are_numbers(data__mean, (int, float,), minimum=-3.5e+38, maximum=3.5e+38):
                if data__mean_is_list:
                    data__mean_len = len(data__mean)
                    for data__mean_x, data__mean_item in enumerate(data__mean):
                        if type(data__mean_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".mean[{data__mean_x}]".format(**locals()) + "", 'type', 'number', data__mean_item)
                        if isinstance(data__mean_item, (int, float)) and not isinstance(data__mean_item, bool):
                            if data__mean_item < -3.5e+38:
                                raise broken_rule(name_prefix + ".mean[{data__mean_x}]".format(**locals()) + "", 'minimum', -3.5e+38, data__mean_item)
                            if data__mean_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".mean[{data__mean_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__mean_item)
        if "std" in data_keys:
            data_keys.remove("std")
            data__std = data["std"]
            if type(data__std) not in (list,):
                raise broken_rule(name_prefix + ".std", 'type', 'array', data__std)
            data__std_is_list = isinstance(data__std, (list, tuple))
            if data__std_is_list:
                data__std_len = len(data__std)
                if data__std_len < 1:
                    raise broken_rule(name_prefix + ".std", 'minItems', 1, data__std)
                if data__std_len > 16384:
                    raise broken_rule(name_prefix + ".std", 'maxItems', 16384, data__std)
            if not are_numbers(data__std, (int, float,), minimum=0, maximum=3.5e+38):
                if data__std_is_list:
                    data__std_len = len(data__std)
                    for data__std_x, data__std_item in enumerate(data__std):
                        if type(data__std_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".std[{data__std_x}]".format(**locals()) + "", 'type', 'number', data__std_item)
                        if isinstance(data__std_item, (int, float)) and not isinstance(data__std_item, bool):
                            if data__std_item < 0:
                                raise broken_rule(name_prefix + ".std[{data__std_x}]".format(**locals()) + "", 'minimum', 0, data__std_item)
                            if data__std_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".std[{data__std_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__std_item)
        if "skewness" in data_keys:
            data_keys.remove("skewness")
            data__skewness = data["skewness"]
            if type(data__skewness) not in (list,):
                raise broken_rule(name_prefix + ".skewness", 'type', 'array', data__skewness)
            data__skewness_is_list = isinstance(data__skewness, (list, tuple))
            if data__skewness_is_list:
                data__skewness_len = len(data__skewness)
                if data__skewness_len < 1:
                    raise broken_rule(name_prefix + ".skewness", 'minItems', 1, data__skewness)
                if data__skewness_len > 16384:
                    raise broken_rule(name_prefix + ".skewness", 'maxItems', 16384, data__skewness)
            if not are_numbers(data__skewness, (int, float,), minimum=-1000000000.0, maximum=1000000000.0):
                if data__skewness_is_list:
                    data__skewness_len = len(data__skewness)
                    for data__skewness_x, data__skewness_item in enumerate(data__skewness):
                        if type(data__skewness_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".skewness[{data__skewness_x}]".format(**locals()) + "", 'type', 'number', data__skewness_item)
                        if isinstance(data__skewness_item, (int, float)) and not isinstance(data__skewness_item, bool):
                            if data__skewness_item < -1000000000.0:
                                raise broken_rule(name_prefix + ".skewness[{data__skewness_x}]".format(**locals()) + "", 'minimum', -1000000000.0, data__skewness_item)
                            if data__skewness_item > 1000000000.0:
                                raise broken_rule(name_prefix + ".skewness[{data__skewness_x}]".format(**locals()) + "", 'maximum', 1000000000.0, data__skewness_item)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['rows', 'mean', 'std', 'skewness'], data)
    return data

def validate____defs_drift(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['false_alarm_rate', 'replicates', 'batch_sizes', 'thresholds', 'spread_weights', 'total_weights', 'total']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['false_alarm_rate', 'replicates', 'batch_sizes', 'thresholds', 'spread_weights', 'total_weights', 'total'], data)
        data_keys = list(data)
        if "false_alarm_rate" in data_keys:
            data_keys.remove("false_alarm_rate")
            data__falsealarmrate = data["false_alarm_rate"]
            if type(data__falsealarmrate) not in (int, float,):
                raise broken_rule(name_prefix + ".false_alarm_rate", 'type', 'number', data__falsealarmrate)
            if isinstance(data__falsealarmrate, (int, float)) and not isinstance(data__falsealarmrate, bool):
                if data__falsealarmrate > 0.5:
                    raise broken_rule(name_prefix + ".false_alarm_rate", 'maximum', 0.5, data__falsealarmrate)
                if data__falsealarmrate <= 0:
                    raise broken_rule(name_prefix + ".false_alarm_rate", 'exclusiveMinimum', 0, data__falsealarmrate)
        if "replicates" in data_keys:
            data_keys.remove("replicates")
            data__replicates = data["replicates"]
            if type(data__replicates) not in (int,):
                raise broken_rule(name_prefix + ".replicates", 'type', 'integer', data__replicates)
            if isinstance(data__replicates, (int, float)) and not isinstance(data__replicates, bool):
                if data__replicates < 1:
                    raise broken_rule(name_prefix + ".replicates", 'minimum', 1, data__replicates)
                if data__replicates > 9007199254740991:
                    raise broken_rule(name_prefix + ".replicates", 'maximum', 9007199254740991, data__replicates)
        if "batch_sizes" in data_keys:
            data_keys.remove("batch_sizes")
            data__batchsizes = data["batch_sizes"]
            if type(data__batchsizes) not in (list,):
                raise broken_rule(name_prefix + ".batch_sizes", 'type', 'array', data__batchsizes)
            data__batchsizes_is_list = isinstance(data__batchsizes, (list, tuple))
            if data__batchsizes_is_list:
                data__batchsizes_len = len(data__batchsizes)
                if data__batchsizes_len < 1:
                    raise broken_rule(name_prefix + ".batch_sizes", 'minItems', 1, data__batchsizes)
            if not are_numbers(data__batchsizes, (int,), minimum=1, maximum=9007199254740991):
                if data__batchsizes_is_list:
                    data__batchsizes_len = len(data__batchsizes)
                    for data__batchsizes_x, data__batchsizes_item in enumerate(data__batchsizes):
                        if type(data__batchsizes_item) not in (int,):
                            raise broken_rule(name_prefix + ".batch_sizes[{data__batchsizes_x}]".format(**locals()) + "", 'type', 'integer', data__batchsizes_item)
                        if isinstance(data__batchsizes_item, (int, float)) and not isinstance(data__batchsizes_item, bool):
                            if data__batchsizes_item < 1:
                                raise broken_rule(name_prefix + ".batch_sizes[{data__batchsizes_x}]".format(**locals()) + "", 'minimum', 1, data__batchsizes_item)
                            if data__batchsizes_item > 9007199254740991:
                                raise broken_rule(name_prefix + ".batch_sizes[{data__batchsizes_x}]".format(**locals()) + "", 'maximum', 9007199254740991, data__batchsizes_item)
        if "thresholds" in data_keys:
            data_keys.remove("thresholds")
            data__thresholds = data["thresholds"]
            if type(data__thresholds) not in (list,):
                raise broken_rule(name_prefix + ".thresholds", 'type', 'array', data__thresholds)
            if not are_numbers(data__thresholds, (int, float,), above=0):
                data__thresholds_is_list = isinstance(data__thresholds, (list, tuple))
                if data__thresholds_is_list:
                    data__thresholds_len = len(data__thresholds)
                    for data__thresholds_x, data__thresholds_item in enumerate(data__thresholds):
                        if type(data__thresholds_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".thresholds[{data__thresholds_x}]".format(**locals()) + "", 'type', 'number', data__thresholds_item)
                        if isinstance(data__thresholds_item, (int, float)) and not isinstance(data__thresholds_item, bool):
                            if data__thresholds_item <= 0:
                                raise broken_rule(name_prefix + ".thresholds[{data__thresholds_x}]".format(**locals()) + "", 'exclusiveMinimum', 0, data__thresholds_item)
        if "spread_weights" in data_keys:
            data_keys.remove("spread_weights")
            data__spreadweights = data["spread_weights"]
            if type(data__spreadweights) not in (list,):
                raise broken_rule(name_prefix + ".spread_weights", 'type', 'array', data__spreadweights)
            if not are_numbers(data__spreadweights, (int, float,), minimum=0):
                data__spreadweights_is_list = isinstance(data__spreadweights, (list, tuple))
                if data__spreadweights_is_list:
                    data__spreadweights_len = len(data__spreadweights)
                    for data__spreadweights_x, data__spreadweights_item in enumerate(data__spreadweights):
                        if type(data__spreadweights_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".spread_weights[{data__spreadweights_x}]".format(**locals()) + "", 'type', 'number', data__spreadweights_item)
                        if isinstance(data__spreadweights_item, (int, float)) and not isinstance(data__spreadweights_item, bool):
                            if data__spreadweights_item < 0:
                                raise broken_rule(name_prefix + ".spread_weights[{data__spreadweights_x}]".format(**locals()) + "", 'minimum', 0, data__spreadweights_item)
        if "total_weights" in data_keys:
            data_keys.remove("total_weights")
            data__totalweights = data["total_weights"]
            if type(data__totalweights) not in (list,):
                raise broken_rule(name_prefix + ".total_weights", 'type', 'array', data__totalweights)
            if not are_numbers(data__totalweights, (int, float,), minimum=0):
                data__totalweights_is_list = isinstance(data__totalweights, (list, tuple))
                if data__totalweights_is_list:
                    data__totalweights_len = len(data__totalweights)
                    for data__totalweights_x, data__totalweights_item in enumerate(data__totalweights):
                        if type(data__totalweights_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".total_weights[{data__totalweights_x}]".format(**locals()) + "", 'type', 'number', data__totalweights_item)
                        if isinstance(data__totalweights_item, (int, float)) and not isinstance(data__totalweights_item, bool):
                            if data__totalweights_item < 0:
                                raise broken_rule(name_prefix + ".total_weights[{data__totalweights_x}]".format(**locals()) + "", 'minimum', 0, data__totalweights_item)
        if "total" in data_keys:
            data_keys.remove("total")
            data__total = data["total"]
            if type(data__total) not in (dict,):
                raise broken_rule(name_prefix + ".total", 'type', 'object', data__total)
            data__total_is_dict = isinstance(data__total, dict)
            if data__total_is_dict:
                data__total__missing_keys = set(['mean', 'std', 'skewness']) - data__total.keys()
                if data__total__missing_keys:
                    raise broken_rule(name_prefix + ".total", 'required', ['mean', 'std', 'skewness'], data__total)
                data__total_keys = list(data__total)
                if "mean" in data__total_keys:
                    data__total_keys.remove("mean")
                    data__total__mean = data__total["mean"]
                    if type(data__total__mean) not in (list,):
                        raise broken_rule(name_prefix + ".total.mean", 'type', 'array', data__total__mean)
                    data__total__mean_is_list = isinstance(data__total__mean, (list, tuple))
                    if data__total__mean_is_list:
                        data__total__mean_len = len(data__total__mean)
                        if data__total__mean_len < 2:
                            raise broken_rule(name_prefix + ".total.mean", 'minItems', 2, data__total__mean)
                        if data__total__mean_len > 2:
                            raise broken_rule(name_prefix + ".total.mean", 'maxItems', 2, data__total__mean)
                    if not are_numbers(data__total__mean, (int, float,), minimum=-3.5e+38, maximum=3.5e+38):
                        if data__total__mean_is_list:
                            data__total__mean_len = len(data__total__mean)
                            for data__total__mean_x, data__total__mean_item in enumerate(data__total__mean):
                                if type(data__total__mean_item) not in (int, float,):
                                    raise broken_rule(name_prefix + ".total.mean[{data__total__mean_x}]".format(**locals()) + "", 'type', 'number', data__total__mean_item)
                                if isinstance(data__total__mean_item, (int, float)) and not isinstance(data__total__mean_item, bool):
                                    if data__total__mean_item < -3.5e+38:
                                        raise broken_rule(name_prefix + ".total.mean[{data__total__mean_x}]".format(**locals()) + "", 'minimum', -3.5e+38, data__total__mean_item)
                                    if data__total__mean_item > 3.5e+38:
                                        raise broken_rule(name_prefix + ".total.mean[{data__total__mean_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__total__mean_item)
                if "std" in data__total_keys:
                    data__total_keys.remove("std")
                    data__total__std = data__total["std"]
                    if type(data__total__std) not in (list,):
                        raise broken_rule(name_prefix + ".total.std", 'type', 'array', data__total__std)
                    data__total__std_is_list = isinstance(data__total__std, (list, tuple))
                    if data__total__std_is_list:
                        data__total__std_len = len(data__total__std)
                        if data__total__std_len < 2:
                            raise broken_rule(name_prefix + ".total.std", 'minItems', 2, data__total__std)
                        if data__total__std_len > 2:
                            raise broken_rule(name_prefix + ".total.std", 'maxItems', 2, data__total__std)
                    if not are_numbers(data__total__std, (int, float,), minimum=0, maximum=3.5e+38):
                        if data__total__std_is_list:
                            data__total__std_len = len(data__total__std)
                            for data__total__std_x, data__total__std_item in enumerate(data__total__std):
                                if type(data__total__std_item) not in (int, float,):
                                    raise broken_rule(name_prefix + ".total.std[{data__total__std_x}]".format(**locals()) + "", 'type', 'number', data__total__std_item)
                                if isinstance(data__total__std_item, (int, float)) and not isinstance(data__total__std_item, bool):
                                    if data__total__std_item < 0:
                                        raise broken_rule(name_prefix + ".total.std[{data__total__std_x}]".format(**locals()) + "", 'minimum', 0, data__total__std_item)
                                    if data__total__std_item > 3.5e+38:
                                        raise broken_rule(name_prefix + ".total.std[{data__total__std_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__total__std_item)
                if "skewness" in data__total_keys:
                    data__total_keys.remove("skewness")
                    data__total__skewness = data__total["skewness"]
                    if type(data__total__skewness) not in (list,):
                        raise broken_rule(name_prefix + ".total.skewness", 'type', 'array', data__total__skewness)
                    data__total__skewness_is_list = isinstance(data__total__skewness, (list, tuple))
                    if data__total__skewness_is_list:
                        data__total__skewness_len = len(data__total__skewness)
                        if data__total__skewness_len < 2:
                            raise broken_rule(name_prefix + ".total.skewness", 'minItems', 2, data__total__skewness)
                        if data__total__skewness_len > 2:
                            raise broken_rule(name_prefix + ".total.skewness", 'maxItems', 2, data__total__skewness)
                    if not are_numbers(data__total__skewness, (int, float,), minimum=-1000000000.0, maximum=1000000000.0):
                        if data__total__skewness_is_list:
                            data__total__skewness_len = len(data__total__skewness)
                            for data__total__skewness_x, data__total__skewness_item in enumerate(data__total__skewness):
                                if type(data__total__skewness_item) not in (int, float,):
                                    raise broken_rule(name_prefix + ".total.skewness[{data__total__skewness_x}]".format(**locals()) + "", 'type', 'number', data__total__skewness_item)
                                if isinstance(data__total__skewness_item, (int, float)) and not isinstance(data__total__skewness_item, bool):
                                    if data__total__skewness_item < -1000000000.0:
                                        raise broken_rule(name_prefix + ".total.skewness[{data__total__skewness_x}]".format(**locals()) + "", 'minimum', -1000000000.0, data__total__skewness_item)
                                    if data__total__skewness_item > 1000000000.0:
                                        raise broken_rule(name_prefix + ".total.skewness[{data__total__skewness_x}]".format(**locals()) + "", 'maximum', 1000000000.0, data__total__skewness_item)
                if data__total_keys:
                    raise broken_rule(name_prefix + ".total", 'additionalProperties', ['mean', 'std', 'skewness'], data__total)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['false_alarm_rate', 'replicates', 'batch_sizes', 'thresholds', 'spread_weights', 'total_weights', 'total'], data)
    return data

def validate____defs_int8(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['kept', 'reasons', 'report']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['kept', 'reasons', 'report'], data)
        data_keys = list(data)
        if "kept" in data_keys:
            data_keys.remove("kept")
            data__kept = data["kept"]
            if type(data__kept) not in (bool,):
                raise broken_rule(name_prefix + ".kept", 'type', 'boolean', data__kept)
        if "reasons" in data_keys:
            data_keys.remove("reasons")
            data__reasons = data["reasons"]
            if type(data__reasons) not in (list,):
                raise broken_rule(name_prefix + ".reasons", 'type', 'array', data__reasons)
            data__reasons_is_list = isinstance(data__reasons, (list, tuple))
            if data__reasons_is_list:
                data__reasons_len = len(data__reasons)
                for data__reasons_x, data__reasons_item in enumerate(data__reasons):
                    if type(data__reasons_item) not in (str,):
                        raise broken_rule(name_prefix + ".reasons[{data__reasons_x}]".format(**locals()) + "", 'type', 'string', data__reasons_item)
                    if isinstance(data__reasons_item, str):
                        if not REGEX_PATTERNS['^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$'].search(data__reasons_item):
                            raise broken_rule(name_prefix + ".reasons[{data__reasons_x}]".format(**locals()) + "", 'pattern', '^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$', data__reasons_item)
        if "report" in data_keys:
            data_keys.remove("report")
            data__report = data["report"]
            if type(data__report) not in (dict,):
                raise broken_rule(name_prefix + ".report", 'type', 'object', data__report)
            data__report_is_dict = isinstance(data__report, dict)
            if data__report_is_dict:
                data__report_keys = list(data__report)
                if "static" in data__report_keys:
                    data__report_keys.remove("static")
                    data__report__static = data__report["static"]
                    validate____defs_comparison(data__report__static, name_prefix + ".report.static")
                if "dynamic" in data__report_keys:
                    data__report_keys.remove("dynamic")
                    data__report__dynamic = data__report["dynamic"]
                    validate____defs_comparison(data__report__dynamic, name_prefix + ".report.dynamic")
                if "weights" in data__report_keys:
                    data__report_keys.remove("weights")
                    data__report__weights = data__report["weights"]
                    validate____defs_comparison(data__report__weights, name_prefix + ".report.weights")
                if data__report_keys:
                    raise broken_rule(name_prefix + ".report", 'additionalProperties', ['static', 'dynamic', 'weights'], data__report)
        if "method" in data_keys:
            data_keys.remove("method")
            data__method = data["method"]
            if not (isinstance(data__method, str) and data__method == 'static' or isinstance(data__method, str) and data__method == 'dynamic' or isinstance(data__method, str) and data__method == 'weights'):
                raise broken_rule(name_prefix + ".method", 'enum', ['static', 'dynamic', 'weights'], data__method)
        if "weight_bits" in data_keys:
            data_keys.remove("weight_bits")
            data__weightbits = data["weight_bits"]
            if not (isinstance(data__weightbits, (int, float)) and not isinstance(data__weightbits, bool) and data__weightbits == 7 or isinstance(data__weightbits, (int, float)) and not isinstance(data__weightbits, bool) and data__weightbits == 8):
                raise broken_rule(name_prefix + ".weight_bits", 'enum', [7, 8], data__weightbits)
        if "activation" in data_keys:
            data_keys.remove("activation")
            data__activation = data["activation"]
            if not (isinstance(data__activation, str) and data__activation == 'uint8' or isinstance(data__activation, str) and data__activation == 'float32'):
                raise broken_rule(name_prefix + ".activation", 'enum', ['uint8', 'float32'], data__activation)
        if "portable" in data_keys:
            data_keys.remove("portable")
            data__portable = data["portable"]
            if type(data__portable) not in (bool,):
                raise broken_rule(name_prefix + ".portable", 'type', 'boolean', data__portable)
        if "portability" in data_keys:
            data_keys.remove("portability")
            data__portability = data["portability"]
            if type(data__portability) not in (str,):
                raise broken_rule(name_prefix + ".portability", 'type', 'string', data__portability)
            if isinstance(data__portability, str):
                if not REGEX_PATTERNS['^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$'].search(data__portability):
                    raise broken_rule(name_prefix + ".portability", 'pattern', '^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$', data__portability)
        if "calibration_rows" in data_keys:
            data_keys.remove("calibration_rows")
            data__calibrationrows = data["calibration_rows"]
            if type(data__calibrationrows) not in (int,):
                raise broken_rule(name_prefix + ".calibration_rows", 'type', 'integer', data__calibrationrows)
            if isinstance(data__calibrationrows, (int, float)) and not isinstance(data__calibrationrows, bool):
                if data__calibrationrows < 1:
                    raise broken_rule(name_prefix + ".calibration_rows", 'minimum', 1, data__calibrationrows)
                if data__calibrationrows > 9007199254740991:
                    raise broken_rule(name_prefix + ".calibration_rows", 'maximum', 9007199254740991, data__calibrationrows)
        if "held_out_rows" in data_keys:
            data_keys.remove("held_out_rows")
            data__heldoutrows = data["held_out_rows"]
            if type(data__heldoutrows) not in (int,):
                raise broken_rule(name_prefix + ".held_out_rows", 'type', 'integer', data__heldoutrows)
            if isinstance(data__heldoutrows, (int, float)) and not isinstance(data__heldoutrows, bool):
                if data__heldoutrows < 1:
                    raise broken_rule(name_prefix + ".held_out_rows", 'minimum', 1, data__heldoutrows)
                if data__heldoutrows > 9007199254740991:
                    raise broken_rule(name_prefix + ".held_out_rows", 'maximum', 9007199254740991, data__heldoutrows)
        if "parity" in data_keys:
            data_keys.remove("parity")
            data__parity = data["parity"]
            if type(data__parity) not in (dict,):
                raise broken_rule(name_prefix + ".parity", 'type', 'object', data__parity)
            data__parity_is_dict = isinstance(data__parity, dict)
            if data__parity_is_dict:
                data__parity__missing_keys = set(['jaccard', 'max_abs_error', 'rows', 'batch_sizes']) - data__parity.keys()
                if data__parity__missing_keys:
                    raise broken_rule(name_prefix + ".parity", 'required', ['jaccard', 'max_abs_error', 'rows', 'batch_sizes'], data__parity)
                data__parity_keys = list(data__parity)
                if "jaccard" in data__parity_keys:
                    data__parity_keys.remove("jaccard")
                    data__parity__jaccard = data__parity["jaccard"]
                    if type(data__parity__jaccard) not in (int, float,):
                        raise broken_rule(name_prefix + ".parity.jaccard", 'type', 'number', data__parity__jaccard)
                    if isinstance(data__parity__jaccard, (int, float)) and not isinstance(data__parity__jaccard, bool):
                        if data__parity__jaccard < 0:
                            raise broken_rule(name_prefix + ".parity.jaccard", 'minimum', 0, data__parity__jaccard)
                        if data__parity__jaccard > 1:
                            raise broken_rule(name_prefix + ".parity.jaccard", 'maximum', 1, data__parity__jaccard)
                if "max_abs_error" in data__parity_keys:
                    data__parity_keys.remove("max_abs_error")
                    data__parity__maxabserror = data__parity["max_abs_error"]
                    if type(data__parity__maxabserror) not in (int, float,):
                        raise broken_rule(name_prefix + ".parity.max_abs_error", 'type', 'number', data__parity__maxabserror)
                    if isinstance(data__parity__maxabserror, (int, float)) and not isinstance(data__parity__maxabserror, bool):
                        if data__parity__maxabserror < 0:
                            raise broken_rule(name_prefix + ".parity.max_abs_error", 'minimum', 0, data__parity__maxabserror)
                if "rows" in data__parity_keys:
                    data__parity_keys.remove("rows")
                    data__parity__rows = data__parity["rows"]
                    if type(data__parity__rows) not in (int,):
                        raise broken_rule(name_prefix + ".parity.rows", 'type', 'integer', data__parity__rows)
                    if isinstance(data__parity__rows, (int, float)) and not isinstance(data__parity__rows, bool):
                        if data__parity__rows < 1:
                            raise broken_rule(name_prefix + ".parity.rows", 'minimum', 1, data__parity__rows)
                        if data__parity__rows > 9007199254740991:
                            raise broken_rule(name_prefix + ".parity.rows", 'maximum', 9007199254740991, data__parity__rows)
                if "batch_sizes" in data__parity_keys:
                    data__parity_keys.remove("batch_sizes")
                    data__parity__batchsizes = data__parity["batch_sizes"]
                    if type(data__parity__batchsizes) not in (list,):
                        raise broken_rule(name_prefix + ".parity.batch_sizes", 'type', 'array', data__parity__batchsizes)
                    if not are_numbers(data__parity__batchsizes, (int,), minimum=1, maximum=9007199254740991):
                        data__parity__batchsizes_is_list = isinstance(data__parity__batchsizes, (list, tuple))
                        if data__parity__batchsizes_is_list:
                            data__parity__batchsizes_len = len(data__parity__batchsizes)
                            for data__parity__batchsizes_x, data__parity__batchsizes_item in enumerate(data__parity__batchsizes):
                                if type(data__parity__batchsizes_item) not in (int,):
                                    raise broken_rule(name_prefix + ".parity.batch_sizes[{data__parity__batchsizes_x}]".format(**locals()) + "", 'type', 'integer', data__parity__batchsizes_item)
                                if isinstance(data__parity__batchsizes_item, (int, float)) and not isinstance(data__parity__batchsizes_item, bool):
                                    if data__parity__batchsizes_item < 1:
                                        raise broken_rule(name_prefix + ".parity.batch_sizes[{data__parity__batchsizes_x}]".format(**locals()) + "", 'minimum', 1, data__parity__batchsizes_item)
                                    if data__parity__batchsizes_item > 9007199254740991:
                                        raise broken_rule(name_prefix + ".parity.batch_sizes[{data__parity__batchsizes_x}]".format(**locals()) + "", 'maximum', 9007199254740991, data__parity__batchsizes_item)
                if data__parity_keys:
                    raise broken_rule(name_prefix + ".parity", 'additionalProperties', ['jaccard', 'max_abs_error', 'rows', 'batch_sizes'], data__parity)
        if "golden_tolerance" in data_keys:
            data_keys.remove("golden_tolerance")
            data__goldentolerance = data["golden_tolerance"]
            if type(data__goldentolerance) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".golden_tolerance", 'type', ['number', 'null'], data__goldentolerance)
            if isinstance(data__goldentolerance, (int, float)) and not isinstance(data__goldentolerance, bool):
                if data__goldentolerance <= 0:
                    raise broken_rule(name_prefix + ".golden_tolerance", 'exclusiveMinimum', 0, data__goldentolerance)
        if "score" in data_keys:
            data_keys.remove("score")
            data__score = data["score"]
            validate____defs_int8_score(data__score, name_prefix + ".score")
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['kept', 'reasons', 'report', 'method', 'weight_bits', 'activation', 'portable', 'portability', 'calibration_rows', 'held_out_rows', 'parity', 'golden_tolerance', 'score'], data)
    return data

def validate____defs_int8_score(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['report', 'golden_tolerance', 'alarm']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['report', 'golden_tolerance', 'alarm'], data)
        data_keys = list(data)
        if "report" in data_keys:
            data_keys.remove("report")
            data__report = data["report"]
            if type(data__report) not in (dict,):
                raise broken_rule(name_prefix + ".report", 'type', 'object', data__report)
            data__report_is_dict = isinstance(data__report, dict)
            if data__report_is_dict:
                data__report_keys = list(data__report)
                if "static" in data__report_keys:
                    data__report_keys.remove("static")
                    data__report__static = data__report["static"]
                    validate____defs_score_change(data__report__static, name_prefix + ".report.static")
                if "weights" in data__report_keys:
                    data__report_keys.remove("weights")
                    data__report__weights = data__report["weights"]
                    validate____defs_score_change(data__report__weights, name_prefix + ".report.weights")
                if data__report_keys:
                    raise broken_rule(name_prefix + ".report", 'additionalProperties', ['static', 'weights'], data__report)
        if "golden_tolerance" in data_keys:
            data_keys.remove("golden_tolerance")
            data__goldentolerance = data["golden_tolerance"]
            if type(data__goldentolerance) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".golden_tolerance", 'type', ['number', 'null'], data__goldentolerance)
            if isinstance(data__goldentolerance, (int, float)) and not isinstance(data__goldentolerance, bool):
                if data__goldentolerance <= 0:
                    raise broken_rule(name_prefix + ".golden_tolerance", 'exclusiveMinimum', 0, data__goldentolerance)
        if "alarm" in data_keys:
            data_keys.remove("alarm")
            data__alarm = data["alarm"]
            if type(data__alarm) not in (dict, type(None),):
                raise broken_rule(name_prefix + ".alarm", 'type', ['object', 'null'], data__alarm)
            try:
                if type(data__alarm) not in (type(None),):
                    raise broken_rule(name_prefix + ".alarm", 'type', 'null', data__alarm)
            except SchemaError:
                validate____defs_alarm(data__alarm, name_prefix + ".alarm")
            else:
                pass
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['report', 'golden_tolerance', 'alarm'], data)
    return data

def validate____defs_score_change(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['median_change', 'largest_change', 'mean_float32', 'mean_int8', 'file_bytes_float32', 'file_bytes_int8']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['median_change', 'largest_change', 'mean_float32', 'mean_int8', 'file_bytes_float32', 'file_bytes_int8'], data)
        data_keys = list(data)
        if "median_change" in data_keys:
            data_keys.remove("median_change")
            data__medianchange = data["median_change"]
            if type(data__medianchange) not in (int, float,):
                raise broken_rule(name_prefix + ".median_change", 'type', 'number', data__medianchange)
            if isinstance(data__medianchange, (int, float)) and not isinstance(data__medianchange, bool):
                if data__medianchange < 0:
                    raise broken_rule(name_prefix + ".median_change", 'minimum', 0, data__medianchange)
        if "largest_change" in data_keys:
            data_keys.remove("largest_change")
            data__largestchange = data["largest_change"]
            if type(data__largestchange) not in (int, float,):
                raise broken_rule(name_prefix + ".largest_change", 'type', 'number', data__largestchange)
            if isinstance(data__largestchange, (int, float)) and not isinstance(data__largestchange, bool):
                if data__largestchange < 0:
                    raise broken_rule(name_prefix + ".largest_change", 'minimum', 0, data__largestchange)
        if "mean_float32" in data_keys:
            data_keys.remove("mean_float32")
            data__meanfloat32 = data["mean_float32"]
            if type(data__meanfloat32) not in (int, float,):
                raise broken_rule(name_prefix + ".mean_float32", 'type', 'number', data__meanfloat32)
            if isinstance(data__meanfloat32, (int, float)) and not isinstance(data__meanfloat32, bool):
                if data__meanfloat32 < 0:
                    raise broken_rule(name_prefix + ".mean_float32", 'minimum', 0, data__meanfloat32)
        if "mean_int8" in data_keys:
            data_keys.remove("mean_int8")
            data__meanint8 = data["mean_int8"]
            if type(data__meanint8) not in (int, float,):
                raise broken_rule(name_prefix + ".mean_int8", 'type', 'number', data__meanint8)
            if isinstance(data__meanint8, (int, float)) and not isinstance(data__meanint8, bool):
                if data__meanint8 < 0:
                    raise broken_rule(name_prefix + ".mean_int8", 'minimum', 0, data__meanint8)
        if "file_bytes_float32" in data_keys:
            data_keys.remove("file_bytes_float32")
            data__filebytesfloat32 = data["file_bytes_float32"]
            if type(data__filebytesfloat32) not in (int,):
                raise broken_rule(name_prefix + ".file_bytes_float32", 'type', 'integer', data__filebytesfloat32)
            if isinstance(data__filebytesfloat32, (int, float)) and not isinstance(data__filebytesfloat32, bool):
                if data__filebytesfloat32 < 0:
                    raise broken_rule(name_prefix + ".file_bytes_float32", 'minimum', 0, data__filebytesfloat32)
                if data__filebytesfloat32 > 9007199254740991:
                    raise broken_rule(name_prefix + ".file_bytes_float32", 'maximum', 9007199254740991, data__filebytesfloat32)
        if "file_bytes_int8" in data_keys:
            data_keys.remove("file_bytes_int8")
            data__filebytesint8 = data["file_bytes_int8"]
            if type(data__filebytesint8) not in (int,):
                raise broken_rule(name_prefix + ".file_bytes_int8", 'type', 'integer', data__filebytesint8)
            if isinstance(data__filebytesint8, (int, float)) and not isinstance(data__filebytesint8, bool):
                if data__filebytesint8 < 0:
                    raise broken_rule(name_prefix + ".file_bytes_int8", 'minimum', 0, data__filebytesint8)
                if data__filebytesint8 > 9007199254740991:
                    raise broken_rule(name_prefix + ".file_bytes_int8", 'maximum', 9007199254740991, data__filebytesint8)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['median_change', 'largest_change', 'mean_float32', 'mean_int8', 'file_bytes_float32', 'file_bytes_int8'], data)
    return data

def validate____defs_comparison(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['jaccard', 'jaccard_per_row', 'top_k', 'top_k_overlap', 'l0_float32', 'l0_int8', 'cosine', 'max_abs_error', 'mse_float32', 'mse_int8', 'probe_float32', 'probe_int8', 'file_bytes_float32', 'file_bytes_int8', 'weight_bytes_float32', 'weight_bytes_int8']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['jaccard', 'jaccard_per_row', 'top_k', 'top_k_overlap', 'l0_float32', 'l0_int8', 'cosine', 'max_abs_error', 'mse_float32', 'mse_int8', 'probe_float32', 'probe_int8', 'file_bytes_float32', 'file_bytes_int8', 'weight_bytes_float32', 'weight_bytes_int8'], data)
        data_keys = list(data)
        if "jaccard" in data_keys:
            data_keys.remove("jaccard")
            data__jaccard = data["jaccard"]
            if type(data__jaccard) not in (int, float,):
                raise broken_rule(name_prefix + ".jaccard", 'type', 'number', data__jaccard)
            if isinstance(data__jaccard, (int, float)) and not isinstance(data__jaccard, bool):
                if data__jaccard < 0:
                    raise broken_rule(name_prefix + ".jaccard", 'minimum', 0, data__jaccard)
                if data__jaccard > 1:
                    raise broken_rule(name_prefix + ".jaccard", 'maximum', 1, data__jaccard)
        if "jaccard_per_row" in data_keys:
            data_keys.remove("jaccard_per_row")
            data__jaccardperrow = data["jaccard_per_row"]
            if type(data__jaccardperrow) not in (int, float,):
                raise broken_rule(name_prefix + ".jaccard_per_row", 'type', 'number', data__jaccardperrow)
            if isinstance(data__jaccardperrow, (int, float)) and not isinstance(data__jaccardperrow, bool):
                if data__jaccardperrow < 0:
                    raise broken_rule(name_prefix + ".jaccard_per_row", 'minimum', 0, data__jaccardperrow)
                if data__jaccardperrow > 1:
                    raise broken_rule(name_prefix + ".jaccard_per_row", 'maximum', 1, data__jaccardperrow)
        if "top_k" in data_keys:
            data_keys.remove("top_k")
            data__topk = data["top_k"]
            if type(data__topk) not in (int,):
                raise broken_rule(name_prefix + ".top_k", 'type', 'integer', data__topk)
            if isinstance(data__topk, (int, float)) and not isinstance(data__topk, bool):
                if data__topk < 1:
                    raise broken_rule(name_prefix + ".top_k", 'minimum', 1, data__topk)
                if data__topk > 9007199254740991:
                    raise broken_rule(name_prefix + ".top_k", 'maximum', 9007199254740991, data__topk)
        if "top_k_overlap" in data_keys:
            data_keys.remove("top_k_overlap")
            data__topkoverlap = data["top_k_overlap"]
            if type(data__topkoverlap) not in (int, float,):
                raise broken_rule(name_prefix + ".top_k_overlap", 'type', 'number', data__topkoverlap)
            if isinstance(data__topkoverlap, (int, float)) and not isinstance(data__topkoverlap, bool):
                if data__topkoverlap < 0:
                    raise broken_rule(name_prefix + ".top_k_overlap", 'minimum', 0, data__topkoverlap)
                if data__topkoverlap > 1:
                    raise broken_rule(name_prefix + ".top_k_overlap", 'maximum', 1, data__topkoverlap)
        if "l0_float32" in data_keys:
            data_keys.remove("l0_float32")
            data__l0float32 = data["l0_float32"]
            if type(data__l0float32) not in (int, float,):
                raise broken_rule(name_prefix + ".l0_float32", 'type', 'number', data__l0float32)
            if isinstance(data__l0float32, (int, float)) and not isinstance(data__l0float32, bool):
                if data__l0float32 < 0:
                    raise broken_rule(name_prefix + ".l0_float32", 'minimum', 0, data__l0float32)
        if "l0_int8" in data_keys:
            data_keys.remove("l0_int8")
            data__l0int8 = data["l0_int8"]
            if type(data__l0int8) not in (int, float,):
                raise broken_rule(name_prefix + ".l0_int8", 'type', 'number', data__l0int8)
            if isinstance(data__l0int8, (int, float)) and not isinstance(data__l0int8, bool):
                if data__l0int8 < 0:
                    raise broken_rule(name_prefix + ".l0_int8", 'minimum', 0, data__l0int8)
        if "cosine" in data_keys:
            data_keys.remove("cosine")
            data__cosine = data["cosine"]
            if type(data__cosine) not in (int, float,):
                raise broken_rule(name_prefix + ".cosine", 'type', 'number', data__cosine)
            if isinstance(data__cosine, (int, float)) and not isinstance(data__cosine, bool):
                if data__cosine < -1:
                    raise broken_rule(name_prefix + ".cosine", 'minimum', -1, data__cosine)
                if data__cosine > 1.000001:
                    raise broken_rule(name_prefix + ".cosine", 'maximum', 1.000001, data__cosine)
        if "max_abs_error" in data_keys:
            data_keys.remove("max_abs_error")
            data__maxabserror = data["max_abs_error"]
            if type(data__maxabserror) not in (int, float,):
                raise broken_rule(name_prefix + ".max_abs_error", 'type', 'number', data__maxabserror)
            if isinstance(data__maxabserror, (int, float)) and not isinstance(data__maxabserror, bool):
                if data__maxabserror < 0:
                    raise broken_rule(name_prefix + ".max_abs_error", 'minimum', 0, data__maxabserror)
        if "mse_float32" in data_keys:
            data_keys.remove("mse_float32")
            data__msefloat32 = data["mse_float32"]
            if type(data__msefloat32) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".mse_float32", 'type', ['number', 'null'], data__msefloat32)
            if isinstance(data__msefloat32, (int, float)) and not isinstance(data__msefloat32, bool):
                if data__msefloat32 < 0:
                    raise broken_rule(name_prefix + ".mse_float32", 'minimum', 0, data__msefloat32)
        if "mse_int8" in data_keys:
            data_keys.remove("mse_int8")
            data__mseint8 = data["mse_int8"]
            if type(data__mseint8) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".mse_int8", 'type', ['number', 'null'], data__mseint8)
            if isinstance(data__mseint8, (int, float)) and not isinstance(data__mseint8, bool):
                if data__mseint8 < 0:
                    raise broken_rule(name_prefix + ".mse_int8", 'minimum', 0, data__mseint8)
        if "probe_float32" in data_keys:
            data_keys.remove("probe_float32")
            data__probefloat32 = data["probe_float32"]
            if type(data__probefloat32) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".probe_float32", 'type', ['number', 'null'], data__probefloat32)
            if isinstance(data__probefloat32, (int, float)) and not isinstance(data__probefloat32, bool):
                if data__probefloat32 < 0:
                    raise broken_rule(name_prefix + ".probe_float32", 'minimum', 0, data__probefloat32)
                if data__probefloat32 > 1:
                    raise broken_rule(name_prefix + ".probe_float32", 'maximum', 1, data__probefloat32)
        if "probe_int8" in data_keys:
            data_keys.remove("probe_int8")
            data__probeint8 = data["probe_int8"]
            if type(data__probeint8) not in (int, float, type(None),):
                raise broken_rule(name_prefix + ".probe_int8", 'type', ['number', 'null'], data__probeint8)
            if isinstance(data__probeint8, (int, float)) and not isinstance(data__probeint8, bool):
                if data__probeint8 < 0:
                    raise broken_rule(name_prefix + ".probe_int8", 'minimum', 0, data__probeint8)
                if data__probeint8 > 1:
                    raise broken_rule(name_prefix + ".probe_int8", 'maximum', 1, data__probeint8)
        if "file_bytes_float32" in data_keys:
            data_keys.remove("file_bytes_float32")
            data__filebytesfloat32 = data["file_bytes_float32"]
            if type(data__filebytesfloat32) not in (int,):
                raise broken_rule(name_prefix + ".file_bytes_float32", 'type', 'integer', data__filebytesfloat32)
            if isinstance(data__filebytesfloat32, (int, float)) and not isinstance(data__filebytesfloat32, bool):
                if data__filebytesfloat32 < 0:
                    raise broken_rule(name_prefix + ".file_bytes_float32", 'minimum', 0, data__filebytesfloat32)
                if data__filebytesfloat32 > 9007199254740991:
                    raise broken_rule(name_prefix + ".file_bytes_float32", 'maximum', 9007199254740991, data__filebytesfloat32)
        if "file_bytes_int8" in data_keys:
            data_keys.remove("file_bytes_int8")
            data__filebytesint8 = data["file_bytes_int8"]
            if type(data__filebytesint8) not in (int,):
                raise broken_rule(name_prefix + ".file_bytes_int8", 'type', 'integer', data__filebytesint8)
            if isinstance(data__filebytesint8, (int, float)) and not isinstance(data__filebytesint8, bool):
                if data__filebytesint8 < 0:
                    raise broken_rule(name_prefix + ".file_bytes_int8", 'minimum', 0, data__filebytesint8)
                if data__filebytesint8 > 9007199254740991:
                    raise broken_rule(name_prefix + ".file_bytes_int8", 'maximum', 9007199254740991, data__filebytesint8)
        if "weight_bytes_float32" in data_keys:
            data_keys.remove("weight_bytes_float32")
            data__weightbytesfloat32 = data["weight_bytes_float32"]
            if type(data__weightbytesfloat32) not in (int,):
                raise broken_rule(name_prefix + ".weight_bytes_float32", 'type', 'integer', data__weightbytesfloat32)
            if isinstance(data__weightbytesfloat32, (int, float)) and not isinstance(data__weightbytesfloat32, bool):
                if data__weightbytesfloat32 < 0:
                    raise broken_rule(name_prefix + ".weight_bytes_float32", 'minimum', 0, data__weightbytesfloat32)
                if data__weightbytesfloat32 > 9007199254740991:
                    raise broken_rule(name_prefix + ".weight_bytes_float32", 'maximum', 9007199254740991, data__weightbytesfloat32)
        if "weight_bytes_int8" in data_keys:
            data_keys.remove("weight_bytes_int8")
            data__weightbytesint8 = data["weight_bytes_int8"]
            if type(data__weightbytesint8) not in (int,):
                raise broken_rule(name_prefix + ".weight_bytes_int8", 'type', 'integer', data__weightbytesint8)
            if isinstance(data__weightbytesint8, (int, float)) and not isinstance(data__weightbytesint8, bool):
                if data__weightbytesint8 < 0:
                    raise broken_rule(name_prefix + ".weight_bytes_int8", 'minimum', 0, data__weightbytesint8)
                if data__weightbytesint8 > 9007199254740991:
                    raise broken_rule(name_prefix + ".weight_bytes_int8", 'maximum', 9007199254740991, data__weightbytesint8)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['jaccard', 'jaccard_per_row', 'top_k', 'top_k_overlap', 'l0_float32', 'l0_int8', 'cosine', 'max_abs_error', 'mse_float32', 'mse_int8', 'probe_float32', 'probe_int8', 'file_bytes_float32', 'file_bytes_int8', 'weight_bytes_float32', 'weight_bytes_int8'], data)
    return data

def validate____defs_top_k(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['k', 'values', 'indices', 'ties', 'bytes_per_row', 'dense_bytes_per_row']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['k', 'values', 'indices', 'ties', 'bytes_per_row', 'dense_bytes_per_row'], data)
        data_keys = list(data)
        if "k" in data_keys:
            data_keys.remove("k")
            data__k = data["k"]
            if type(data__k) not in (int,):
                raise broken_rule(name_prefix + ".k", 'type', 'integer', data__k)
            if isinstance(data__k, (int, float)) and not isinstance(data__k, bool):
                if data__k < 1:
                    raise broken_rule(name_prefix + ".k", 'minimum', 1, data__k)
                if data__k > 9007199254740991:
                    raise broken_rule(name_prefix + ".k", 'maximum', 9007199254740991, data__k)
        if "values" in data_keys:
            data_keys.remove("values")
            data__values = data["values"]
            if not (isinstance(data__values, str) and data__values == 'values'):
                raise broken_rule(name_prefix + ".values", 'const', 'values', data__values)
        if "indices" in data_keys:
            data_keys.remove("indices")
            data__indices = data["indices"]
            if not (isinstance(data__indices, str) and data__indices == 'indices'):
                raise broken_rule(name_prefix + ".indices", 'const', 'indices', data__indices)
        if "ties" in data_keys:
            data_keys.remove("ties")
            data__ties = data["ties"]
            if not (isinstance(data__ties, str) and data__ties == 'lower index first'):
                raise broken_rule(name_prefix + ".ties", 'const', 'lower index first', data__ties)
        if "bytes_per_row" in data_keys:
            data_keys.remove("bytes_per_row")
            data__bytesperrow = data["bytes_per_row"]
            if type(data__bytesperrow) not in (int,):
                raise broken_rule(name_prefix + ".bytes_per_row", 'type', 'integer', data__bytesperrow)
            if isinstance(data__bytesperrow, (int, float)) and not isinstance(data__bytesperrow, bool):
                if data__bytesperrow < 8:
                    raise broken_rule(name_prefix + ".bytes_per_row", 'minimum', 8, data__bytesperrow)
                if data__bytesperrow > 9007199254740991:
                    raise broken_rule(name_prefix + ".bytes_per_row", 'maximum', 9007199254740991, data__bytesperrow)
        if "dense_bytes_per_row" in data_keys:
            data_keys.remove("dense_bytes_per_row")
            data__densebytesperrow = data["dense_bytes_per_row"]
            if type(data__densebytesperrow) not in (int,):
                raise broken_rule(name_prefix + ".dense_bytes_per_row", 'type', 'integer', data__densebytesperrow)
            if isinstance(data__densebytesperrow, (int, float)) and not isinstance(data__densebytesperrow, bool):
                if data__densebytesperrow < 4:
                    raise broken_rule(name_prefix + ".dense_bytes_per_row", 'minimum', 4, data__densebytesperrow)
                if data__densebytesperrow > 9007199254740991:
                    raise broken_rule(name_prefix + ".dense_bytes_per_row", 'maximum', 9007199254740991, data__densebytesperrow)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['k', 'values', 'indices', 'ties', 'bytes_per_row', 'dense_bytes_per_row'], data)
    return data

def validate____defs_parity(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['max_abs_error', 'tolerance', 'rows', 'batch_sizes']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['max_abs_error', 'tolerance', 'rows', 'batch_sizes'], data)
        data_keys = list(data)
        if "max_abs_error" in data_keys:
            data_keys.remove("max_abs_error")
            data__maxabserror = data["max_abs_error"]
            if type(data__maxabserror) not in (int, float,):
                raise broken_rule(name_prefix + ".max_abs_error", 'type', 'number', data__maxabserror)
            if isinstance(data__maxabserror, (int, float)) and not isinstance(data__maxabserror, bool):
                if data__maxabserror < 0:
                    raise broken_rule(name_prefix + ".max_abs_error", 'minimum', 0, data__maxabserror)
        if "tolerance" in data_keys:
            data_keys.remove("tolerance")
            data__tolerance = data["tolerance"]
            if type(data__tolerance) not in (int, float,):
                raise broken_rule(name_prefix + ".tolerance", 'type', 'number', data__tolerance)
            if isinstance(data__tolerance, (int, float)) and not isinstance(data__tolerance, bool):
                if data__tolerance <= 0:
                    raise broken_rule(name_prefix + ".tolerance", 'exclusiveMinimum', 0, data__tolerance)
        if "rows" in data_keys:
            data_keys.remove("rows")
            data__rows = data["rows"]
            if type(data__rows) not in (int,):
                raise broken_rule(name_prefix + ".rows", 'type', 'integer', data__rows)
            if isinstance(data__rows, (int, float)) and not isinstance(data__rows, bool):
                if data__rows < 1:
                    raise broken_rule(name_prefix + ".rows", 'minimum', 1, data__rows)
                if data__rows > 9007199254740991:
                    raise broken_rule(name_prefix + ".rows", 'maximum', 9007199254740991, data__rows)
        if "batch_sizes" in data_keys:
            data_keys.remove("batch_sizes")
            data__batchsizes = data["batch_sizes"]
            if type(data__batchsizes) not in (list,):
                raise broken_rule(name_prefix + ".batch_sizes", 'type', 'array', data__batchsizes)
            data__batchsizes_is_list = isinstance(data__batchsizes, (list, tuple))
            if data__batchsizes_is_list:
                data__batchsizes_len = len(data__batchsizes)
                if data__batchsizes_len < 1:
                    raise broken_rule(name_prefix + ".batch_sizes", 'minItems', 1, data__batchsizes)
            if not are_numbers(data__batchsizes, (int,), minimum=1, maximum=9007199254740991):
                if data__batchsizes_is_list:
                    data__batchsizes_len = len(data__batchsizes)
                    for data__batchsizes_x, data__batchsizes_item in enumerate(data__batchsizes):
                        if type(data__batchsizes_item) not in (int,):
                            raise broken_rule(name_prefix + ".batch_sizes[{data__batchsizes_x}]".format(**locals()) + "", 'type', 'integer', data__batchsizes_item)
                        if isinstance(data__batchsizes_item, (int, float)) and not isinstance(data__batchsizes_item, bool):
                            if data__batchsizes_item < 1:
                                raise broken_rule(name_prefix + ".batch_sizes[{data__batchsizes_x}]".format(**locals()) + "", 'minimum', 1, data__batchsizes_item)
                            if data__batchsizes_item > 9007199254740991:
                                raise broken_rule(name_prefix + ".batch_sizes[{data__batchsizes_x}]".format(**locals()) + "", 'maximum', 9007199254740991, data__batchsizes_item)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['max_abs_error', 'tolerance', 'rows', 'batch_sizes'], data)
    return data

def validate____defs_calibration(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['l0', 'threshold']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['l0', 'threshold'], data)
        data_keys = list(data)
        if "l0" in data_keys:
            data_keys.remove("l0")
            data__l0 = data["l0"]
            if type(data__l0) not in (list,):
                raise broken_rule(name_prefix + ".l0", 'type', 'array', data__l0)
            data__l0_is_list = isinstance(data__l0, (list, tuple))
            if data__l0_is_list:
                data__l0_len = len(data__l0)
                if data__l0_len < 1:
                    raise broken_rule(name_prefix + ".l0", 'minItems', 1, data__l0)
                if data__l0_len > 4096:
                    raise broken_rule(name_prefix + ".l0", 'maxItems', 4096, data__l0)
            if not are_numbers(data__l0, (int, float,), minimum=0):
                if data__l0_is_list:
                    data__l0_len = len(data__l0)
                    for data__l0_x, data__l0_item in enumerate(data__l0):
                        if type(data__l0_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".l0[{data__l0_x}]".format(**locals()) + "", 'type', 'number', data__l0_item)
                        if isinstance(data__l0_item, (int, float)) and not isinstance(data__l0_item, bool):
                            if data__l0_item < 0:
                                raise broken_rule(name_prefix + ".l0[{data__l0_x}]".format(**locals()) + "", 'minimum', 0, data__l0_item)
        if "threshold" in data_keys:
            data_keys.remove("threshold")
            data__threshold = data["threshold"]
            if type(data__threshold) not in (list,):
                raise broken_rule(name_prefix + ".threshold", 'type', 'array', data__threshold)
            data__threshold_is_list = isinstance(data__threshold, (list, tuple))
            if data__threshold_is_list:
                data__threshold_len = len(data__threshold)
                if data__threshold_len < 1:
                    raise broken_rule(name_prefix + ".threshold", 'minItems', 1, data__threshold)
                if data__threshold_len > 4096:
                    raise broken_rule(name_prefix + ".threshold", 'maxItems', 4096, data__threshold)
            if not are_numbers(data__threshold, (int, float,), minimum=0, maximum=3.5e+38):
                if data__threshold_is_list:
                    data__threshold_len = len(data__threshold)
                    for data__threshold_x, data__threshold_item in enumerate(data__threshold):
                        if type(data__threshold_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".threshold[{data__threshold_x}]".format(**locals()) + "", 'type', 'number', data__threshold_item)
                        if isinstance(data__threshold_item, (int, float)) and not isinstance(data__threshold_item, bool):
                            if data__threshold_item < 0:
                                raise broken_rule(name_prefix + ".threshold[{data__threshold_x}]".format(**locals()) + "", 'minimum', 0, data__threshold_item)
                            if data__threshold_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".threshold[{data__threshold_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__threshold_item)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['l0', 'threshold'], data)
    return data

def validate____defs_gate(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['pass', 'operator', 'values']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['pass', 'operator', 'values'], data)
        data_keys = list(data)
        if "pass" in data_keys:
            data_keys.remove("pass")
            data__pass = data["pass"]
            if type(data__pass) not in (int,):
                raise broken_rule(name_prefix + ".pass", 'type', 'integer', data__pass)
            if isinstance(data__pass, (int, float)) and not isinstance(data__pass, bool):
                if data__pass < 1:
                    raise broken_rule(name_prefix + ".pass", 'minimum', 1, data__pass)
                if data__pass > 2:
                    raise broken_rule(name_prefix + ".pass", 'maximum', 2, data__pass)
        if "operator" in data_keys:
            data_keys.remove("operator")
            data__operator = data["operator"]
            if not (isinstance(data__operator, str) and data__operator == 'ThresholdedRelu' or isinstance(data__operator, str) and data__operator == 'Greater'):
                raise broken_rule(name_prefix + ".operator", 'enum', ['ThresholdedRelu', 'Greater'], data__operator)
        if "values" in data_keys:
            data_keys.remove("values")
            data__values = data["values"]
            if type(data__values) not in (list,):
                raise broken_rule(name_prefix + ".values", 'type', 'array', data__values)
            data__values_is_list = isinstance(data__values, (list, tuple))
            if data__values_is_list:
                data__values_len = len(data__values)
                if data__values_len < 1:
                    raise broken_rule(name_prefix + ".values", 'minItems', 1, data__values)
            if not are_numbers(data__values, (int, float,), minimum=0, maximum=3.5e+38):
                if data__values_is_list:
                    data__values_len = len(data__values)
                    for data__values_x, data__values_item in enumerate(data__values):
                        if type(data__values_item) not in (int, float,):
                            raise broken_rule(name_prefix + ".values[{data__values_x}]".format(**locals()) + "", 'type', 'number', data__values_item)
                        if isinstance(data__values_item, (int, float)) and not isinstance(data__values_item, bool):
                            if data__values_item < 0:
                                raise broken_rule(name_prefix + ".values[{data__values_x}]".format(**locals()) + "", 'minimum', 0, data__values_item)
                            if data__values_item > 3.5e+38:
                                raise broken_rule(name_prefix + ".values[{data__values_x}]".format(**locals()) + "", 'maximum', 3.5e+38, data__values_item)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['pass', 'operator', 'values'], data)
    return data

def validate____defs_named_input(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['name', 'shape', 'whole']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['name', 'shape', 'whole'], data)
        data_keys = list(data)
        if "name" in data_keys:
            data_keys.remove("name")
            data__name = data["name"]
            if type(data__name) not in (str,):
                raise broken_rule(name_prefix + ".name", 'type', 'string', data__name)
            if isinstance(data__name, str):
                if not REGEX_PATTERNS['^[A-Za-z0-9_ .:()-]{1,64}$'].search(data__name):
                    raise broken_rule(name_prefix + ".name", 'pattern', '^[A-Za-z0-9_ .:()-]{1,64}$', data__name)
        if "shape" in data_keys:
            data_keys.remove("shape")
            data__shape = data["shape"]
            if type(data__shape) not in (list,):
                raise broken_rule(name_prefix + ".shape", 'type', 'array', data__shape)
            data__shape_is_list = isinstance(data__shape, (list, tuple))
            if data__shape_is_list:
                data__shape_len = len(data__shape)
                if data__shape_len < 1:
                    raise broken_rule(name_prefix + ".shape", 'minItems', 1, data__shape)
                if data__shape_len > 7:
                    raise broken_rule(name_prefix + ".shape", 'maxItems', 7, data__shape)
            if not are_numbers(data__shape, (int,), minimum=1, maximum=16777216):
                if data__shape_is_list:
                    data__shape_len = len(data__shape)
                    for data__shape_x, data__shape_item in enumerate(data__shape):
                        if type(data__shape_item) not in (int,):
                            raise broken_rule(name_prefix + ".shape[{data__shape_x}]".format(**locals()) + "", 'type', 'integer', data__shape_item)
                        if isinstance(data__shape_item, (int, float)) and not isinstance(data__shape_item, bool):
                            if data__shape_item < 1:
                                raise broken_rule(name_prefix + ".shape[{data__shape_x}]".format(**locals()) + "", 'minimum', 1, data__shape_item)
                            if data__shape_item > 16777216:
                                raise broken_rule(name_prefix + ".shape[{data__shape_x}]".format(**locals()) + "", 'maximum', 16777216, data__shape_item)
        if "whole" in data_keys:
            data_keys.remove("whole")
            data__whole = data["whole"]
            if type(data__whole) not in (list, type(None),):
                raise broken_rule(name_prefix + ".whole", 'type', ['array', 'null'], data__whole)
            data__whole_is_list = isinstance(data__whole, (list, tuple))
            if data__whole_is_list:
                data__whole_len = len(data__whole)
                if data__whole_len < 2:
                    raise broken_rule(name_prefix + ".whole", 'minItems', 2, data__whole)
                if data__whole_len > 2:
                    raise broken_rule(name_prefix + ".whole", 'maxItems', 2, data__whole)
            if not are_numbers(data__whole, (int,), minimum=-16777215, maximum=16777215):
                if data__whole_is_list:
                    data__whole_len = len(data__whole)
                    for data__whole_x, data__whole_item in enumerate(data__whole):
                        if type(data__whole_item) not in (int,):
                            raise broken_rule(name_prefix + ".whole[{data__whole_x}]".format(**locals()) + "", 'type', 'integer', data__whole_item)
                        if isinstance(data__whole_item, (int, float)) and not isinstance(data__whole_item, bool):
                            if data__whole_item < -16777215:
                                raise broken_rule(name_prefix + ".whole[{data__whole_x}]".format(**locals()) + "", 'minimum', -16777215, data__whole_item)
                            if data__whole_item > 16777215:
                                raise broken_rule(name_prefix + ".whole[{data__whole_x}]".format(**locals()) + "", 'maximum', 16777215, data__whole_item)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['name', 'shape', 'whole'], data)
    return data

def validate____defs_tensor(data: Any, name_prefix: str = "") -> Any:
    if type(data) not in (dict,):
        raise broken_rule(name_prefix, 'type', 'object', data)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['name', 'shape', 'dtype']) - data.keys()
        if data__missing_keys:
            raise broken_rule(name_prefix, 'required', ['name', 'shape', 'dtype'], data)
        data_keys = list(data)
        if "name" in data_keys:
            data_keys.remove("name")
            data__name = data["name"]
        if "shape" in data_keys:
            data_keys.remove("shape")
            data__shape = data["shape"]
            if type(data__shape) not in (list,):
                raise broken_rule(name_prefix + ".shape", 'type', 'array', data__shape)
            data__shape_is_list = isinstance(data__shape, (list, tuple))
            if data__shape_is_list:
                data__shape_len = len(data__shape)
                if data__shape_len < 1:
                    raise broken_rule(name_prefix + ".shape", 'minItems', 1, data__shape)
                if data__shape_len > 8:
                    raise broken_rule(name_prefix + ".shape", 'maxItems', 8, data__shape)
            if not are_numbers(data__shape, (int,), minimum=1, maximum=16777216):
                if data__shape_is_list:
                    data__shape_len = len(data__shape)
                    for data__shape_x, data__shape_item in enumerate(data__shape):
                        if type(data__shape_item) not in (int,):
                            raise broken_rule(name_prefix + ".shape[{data__shape_x}]".format(**locals()) + "", 'type', 'integer', data__shape_item)
                        if isinstance(data__shape_item, (int, float)) and not isinstance(data__shape_item, bool):
                            if data__shape_item < 1:
                                raise broken_rule(name_prefix + ".shape[{data__shape_x}]".format(**locals()) + "", 'minimum', 1, data__shape_item)
                            if data__shape_item > 16777216:
                                raise broken_rule(name_prefix + ".shape[{data__shape_x}]".format(**locals()) + "", 'maximum', 16777216, data__shape_item)
        if "dtype" in data_keys:
            data_keys.remove("dtype")
            data__dtype = data["dtype"]
            if not (isinstance(data__dtype, str) and data__dtype == 'float32'):
                raise broken_rule(name_prefix + ".dtype", 'const', 'float32', data__dtype)
        if data_keys:
            raise broken_rule(name_prefix, 'additionalProperties', ['name', 'shape', 'dtype'], data)
    return data

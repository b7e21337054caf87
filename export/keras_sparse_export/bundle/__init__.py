"""The bundle folder: format, manifest, schema, reading, writing and replacing."""

"""Other forms of an encoder, such as int8, kept only where they pay."""

"""Other files of a bundle that are made with Keras at hand: for LiteRT, and with scores."""

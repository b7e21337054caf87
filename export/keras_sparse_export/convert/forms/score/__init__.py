"""Rows in, scores out: one graph of encoder and decoder, compared with Keras and calibrated."""

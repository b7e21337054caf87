"""Encoders of sequences: embeddings, attention, recurrent layers, with masks and without."""

from typing import Any

import keras
from keras import layers

from robustness.zoo.entry import (
    EVERYWHERE,
    Draw,
    dense_code,
    integers,
    normal,
    padded,
    padded_tokens,
    register,
    register_graphs,
)

TOKENS, ATTENTION, RECURRENT = "embeddings", "attention", "recurrent"
WORDS, LENGTH = 20, 10
tokens: Draw = integers(WORDS, LENGTH)


@register(TOKENS, tokens)
def embedding_flat() -> keras.Model:
    x = keras.Input((LENGTH,), dtype="int32")
    return keras.Model(x, dense_code(layers.Embedding(WORDS, 8)(x)))


@register(TOKENS, tokens, backends=EVERYWHERE)
def embedding_pooled() -> keras.Model:
    x = keras.Input((LENGTH,), dtype="int32")
    h = layers.GlobalAveragePooling1D()(layers.Embedding(WORDS, 8)(x))
    return keras.Model(x, dense_code(h))


@register(TOKENS, padded_tokens(WORDS, LENGTH))
def embedding_masked_pooled() -> keras.Model:
    x = keras.Input((LENGTH,), dtype="int32")
    h = layers.GlobalAveragePooling1D()(layers.Embedding(WORDS, 8, mask_zero=True)(x))
    return keras.Model(x, dense_code(h))


@register(TOKENS, tokens)
def embedding_conv1d() -> keras.Model:
    x = keras.Input((LENGTH,), dtype="int32")
    h = layers.Conv1D(8, 3, activation="relu")(layers.Embedding(WORDS, 8)(x))
    return keras.Model(x, dense_code(layers.GlobalMaxPooling1D()(h)))


@register(TOKENS, tokens)
def category_counts() -> keras.Model:
    x = keras.Input((LENGTH,), dtype="int32")
    h = layers.CategoryEncoding(WORDS, output_mode="multi_hot")(x)
    return keras.Model(x, dense_code(h))


def _transformer_block(x: Any) -> Any:
    h = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dropout(0.1)(h)]))
    h = layers.Dense(8)(layers.Dense(16, "gelu")(x))
    return layers.LayerNormalization()(x + h)


register_graphs(
    ATTENTION,
    (LENGTH, 8),
    {
        "multi_head_attention": lambda x: layers.MultiHeadAttention(2, 4)(x, x),
        "transformer_block": _transformer_block,
    },
    backends=EVERYWHERE,
)
register_graphs(
    ATTENTION,
    (LENGTH, 8),
    {
        "causal_attention": lambda x: layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True),
        "grouped_query_attention": lambda x: layers.GroupQueryAttention(4, 4, 2)(x, x),
        "dot_attention": lambda x: layers.Attention()([x, x]),
    },
)


@register(ATTENTION, padded_tokens(WORDS, LENGTH))
def transformer_of_masked_tokens() -> keras.Model:
    x = keras.Input((LENGTH,), dtype="int32")
    h = layers.Embedding(WORDS, 8, mask_zero=True)(x)
    h = layers.MultiHeadAttention(2, 4)(h, h)
    return keras.Model(x, dense_code(layers.GlobalAveragePooling1D()(h)))


register_graphs(
    RECURRENT,
    (LENGTH, 5),
    {
        "lstm": lambda x: layers.LSTM(6)(x),
        "gru": lambda x: layers.GRU(6)(x),
        "bidirectional_lstm": lambda x: layers.Bidirectional(layers.LSTM(6))(x),
        "time_distributed": lambda x: layers.TimeDistributed(layers.Dense(4, "relu"))(x),
    },
    backends=EVERYWHERE,
)
register_graphs(
    RECURRENT,
    (LENGTH, 5),
    {
        "simple_rnn": lambda x: layers.SimpleRNN(6)(x),
        "lstm_sequences": lambda x: layers.LSTM(6, return_sequences=True)(x),
        "lstm_unrolled": lambda x: layers.LSTM(6, unroll=True)(x),
        "lstm_states": lambda x: layers.Concatenate()(layers.LSTM(6, return_state=True)(x)),
        "bidirectional_gru": lambda x: layers.Bidirectional(layers.GRU(6, return_sequences=True))(
            x
        ),
        "stacked_rnn": lambda x: layers.RNN([layers.LSTMCell(6), layers.LSTMCell(4)])(x),
    },
)
register_graphs(
    RECURRENT,
    (4, 6, 6, 2),
    {
        "conv_lstm_2d": lambda x: layers.ConvLSTM2D(3, 3, padding="same")(x),
    },
)
register_graphs(
    RECURRENT, (4, 6, 2), {"conv_lstm_1d": lambda x: layers.ConvLSTM1D(3, 3, padding="same")(x)}
)


@register(RECURRENT, normal(LENGTH, 5))
def lstm_autoencoder() -> keras.Model:
    x = keras.Input((LENGTH, 5))
    code = layers.LSTM(6, name="code")(x)
    h = layers.LSTM(5, return_sequences=True)(layers.RepeatVector(LENGTH)(code))
    return keras.Model(x, layers.TimeDistributed(layers.Dense(5))(h))


def _register_masked(name: str, make: Any, **options: Any) -> None:
    def build() -> keras.Model:
        x = keras.Input((LENGTH, 5))
        return keras.Model(x, dense_code(make()(layers.Masking()(x))))

    build.__name__ = name
    register(RECURRENT, padded(LENGTH, 5), **options)(build)


_register_masked("masking_lstm", lambda: layers.LSTM(6), backends=EVERYWHERE)
_register_masked("masking_gru", lambda: layers.GRU(6))
_register_masked("masking_lstm_sequences", lambda: layers.LSTM(6, return_sequences=True))


@register(RECURRENT, padded_tokens(WORDS, LENGTH))
def embedding_masked_lstm() -> keras.Model:
    x = keras.Input((LENGTH,), dtype="int32")
    h = layers.LSTM(6)(layers.Embedding(WORDS, 8, mask_zero=True)(x))
    return keras.Model(x, dense_code(h))

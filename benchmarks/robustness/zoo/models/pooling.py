"""Encoders with pooling, resizing, cropping, padding and other changes of shape."""

from keras import layers

from robustness.zoo.entry import EVERYWHERE, register_graphs

GROUP = "pooling and shapes"

register_graphs(
    GROUP,
    (11, 4),
    {
        "global_average_pooling_1d": lambda x: layers.GlobalAveragePooling1D()(x),
        "average_pooling_1d_same": lambda x: layers.AveragePooling1D(3, 2, padding="same")(x),
        "up_sampling_1d": lambda x: layers.UpSampling1D(2)(x),
    },
)
register_graphs(
    GROUP,
    (7, 8, 3),
    {
        "max_pooling_2d": lambda x: layers.MaxPooling2D(2)(x),
        "average_pooling_2d_same": lambda x: layers.AveragePooling2D(3, 2, padding="same")(x),
        "global_pooling_2d": lambda x: layers.Concatenate()(
            [layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)]
        ),
        "up_sampling_2d": lambda x: layers.UpSampling2D(2)(x),
        "cropping_2d": lambda x: layers.Cropping2D(((1, 2), (0, 1)))(x),
        "zero_padding_2d": lambda x: layers.ZeroPadding2D(((1, 0), (2, 1)))(x),
    },
    backends=EVERYWHERE,
)
register_graphs(
    GROUP,
    (8, 8, 3),
    {
        "up_sampling_2d_bilinear": lambda x: layers.UpSampling2D(2, interpolation="bilinear")(x),
        "resizing_bilinear": lambda x: layers.Resizing(5, 6)(x),
        "adaptive_average_pooling_2d": lambda x: layers.AdaptiveAveragePooling2D(4)(x),
    },
)
register_graphs(
    GROUP,
    (6, 6, 6, 2),
    {
        "max_pooling_3d": lambda x: layers.MaxPooling3D(2)(x),
        "global_average_pooling_3d": lambda x: layers.GlobalAveragePooling3D()(x),
        "cropping_and_padding_3d": lambda x: layers.ZeroPadding3D(1)(layers.Cropping3D(1)(x)),
    },
)
register_graphs(
    GROUP,
    (12,),
    {
        "reshape_permute": lambda x: layers.Permute((2, 1))(layers.Reshape((3, 4))(x)),
        "repeat_vector": lambda x: layers.RepeatVector(3)(x),
    },
    backends=EVERYWHERE,
)

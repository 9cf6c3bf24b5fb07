"""Writes ``keras/``: networks of Keras as tf2onnx exports them, and what Keras computes.

    make interop

does that. ``NAME.npz`` holds inputs ``x`` and outputs ``y``, samples first. The files are what
``model.export(FILE, format="onnx")`` writes, by way of tf2onnx: the order of nodes is another in each run.
"""

# Not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

import os
from pathlib import Path

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}

import keras
import numpy as np
from keras import layers

from .recording import inputs, write

FOLDER = Path(__file__).with_name("keras")


def _normalized(x, activation=True):
    x = layers.BatchNormalization()(x)
    return layers.ReLU(6)(x) if activation else x


def image_classifier():
    """MobileNetV2's block, a separable convolution."""
    image = keras.Input((16, 20, 3))
    x = _normalized(layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image))
    y = _normalized(layers.Conv2D(16, 1, use_bias=False)(x))
    y = _normalized(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y))
    x = layers.Add()([x, _normalized(layers.Conv2D(8, 1, use_bias=False)(y), activation=False)])
    x = layers.SeparableConv2D(12, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(x))
    return keras.Model(image, layers.Dense(10, activation="softmax")(layers.Dropout(0.2)(x)))


def lenet():
    return keras.Sequential([
        keras.Input((20, 16, 1)), layers.Conv2D(4, 5, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(6, 3, activation="relu"), layers.AveragePooling2D(2), layers.Flatten(),
        layers.Dense(12, activation="relu"), layers.Dense(5),
    ])  # fmt: skip


def keyword_net():
    return keras.Sequential([
        keras.Input((28, 10)), layers.Conv1D(16, 5, strides=2, padding="same"), layers.BatchNormalization(),
        layers.ReLU(), layers.SeparableConv1D(12, 3, padding="same", activation="relu"),
        layers.MaxPooling1D(2), layers.Conv1D(8, 3, padding="causal", dilation_rate=2, activation="relu"),
        layers.Flatten(), layers.Dense(6, activation="softmax"),
    ])  # fmt: skip


def lstm():
    return keras.Sequential([keras.Input((12, 6)), layers.LSTM(12), layers.Dense(5, activation="softmax")])


def gru():
    return keras.Sequential([keras.Input((12, 6)), layers.GRU(12), layers.Dense(5, activation="softmax")])


def lstm_bidirectional():
    both = layers.Bidirectional(layers.LSTM(8, return_sequences=True))
    return keras.Sequential([keras.Input((12, 6)), both, layers.LSTM(6), layers.Dense(5)])


def encoder():
    """MultiHeadAttention and two dense layers, each with a residual and LayerNormalization."""
    sequence = keras.Input((12, 16))
    mixed = layers.MultiHeadAttention(num_heads=4, key_dim=4)(sequence, sequence)
    x = layers.LayerNormalization()(sequence + mixed)
    hidden = layers.Dense(16)(layers.Dense(24, activation="gelu")(x))
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x + hidden))
    return keras.Model(sequence, layers.Dense(5, activation="softmax")(x))


def build(make):
    """The network, biases and the statistics of batch normalizations drawn at random as well."""
    keras.utils.set_random_seed(3)
    network, random = make(), np.random.default_rng(3)
    for variable in network.variables:
        if variable.path.rpartition("/")[2] in ("bias", "beta", "moving_mean"):
            variable.assign(random.normal(0, 0.3, variable.shape))
        elif variable.path.rpartition("/")[2] in ("gamma", "moving_variance"):
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return network


def main():
    FOLDER.mkdir(exist_ok=True)
    for make in (image_classifier, lenet, keyword_net, lstm, gru, lstm_bidirectional, encoder):
        network = build(make)
        x = inputs(*network.input_shape[1:])
        write(FOLDER / f"{make.__name__}.npz", x=x, y=np.asarray(network(x, training=False)))
        network.export(str(FOLDER / f"{make.__name__}.onnx"), format="onnx", verbose=False)


if __name__ == "__main__":
    main()

"""ResNet-50's layers as keras.applications builds them, and weights and images drawn for them. NumPy only.

The weights are no trained ones: they are drawn so that every one of them counts in the result and so that ../resnet50_weights.cpp
draws the same bits. resnet50.py computes with them, resnet50_h5.py writes them into a file.
"""
import dataclasses
import math

import numpy

STAGES = [("conv2", 64, 3), ("conv3", 128, 4), ("conv4", 256, 6), ("conv5", 512, 3)]
SIDE = 224
CLASSES = 1000
CELL = 28  # pixels along the side of one patch of color

SMALLER = {"conv1_conv": 6, "probs": 5}  # halvings: pixels reach 128, and logits shall not make one class certain

COARSE_8BIT, FINE_8BIT, COARSE_FLOAT, FINE_FLOAT = 1000, 1001, 1002, 1003  # streams of the two images


@dataclasses.dataclass
class Layer:
    name: str
    inputs: list   # names of layers, in the order in which the layer is called with them
    weights: dict  # name -> shape, in Keras' order


# --- layers ---------------------------------------------------------------------------------------------------------------


class Graph:
    """Layers in the order of their construction."""

    def __init__(self):
        self.layers = {}

    def plain(self, name, *inputs):
        self.layers[name] = Layer(name, list(inputs), {})
        return name

    def conv(self, name, x, size, channels, filters):
        self.layers[name] = Layer(name, [x], {"kernel": (size, size, channels, filters), "bias": (filters,)})
        return name

    def batch_normalization(self, name, x, channels):
        weights = {w: (channels,) for w in ("gamma", "beta", "moving_mean", "moving_variance")}
        self.layers[name] = Layer(name, [x], weights)
        return name

    def dense(self, name, x, inputs, units):
        self.layers[name] = Layer(name, [x], {"kernel": (inputs, units), "bias": (units,)})
        return name

    def sorted(self, output):
        """Keras' `model.layers`: by falling depth (the longest way to the output), those of one depth in the order in which a
        walk from the output to the inputs meets them first."""
        met, depth, behind = {}, {}, []

        def walk(name):
            if name in met:
                return
            met[name] = len(met)
            for inbound in self.layers[name].inputs:
                walk(inbound)
            behind.append(name)

        walk(output)
        for name in reversed(behind):
            depth.setdefault(name, 0)
            for inbound in self.layers[name].inputs:
                depth[inbound] = max(depth.get(inbound, 0), depth[name] + 1)
        return [self.layers[name] for name in sorted(met, key=lambda name: (-depth[name], met[name]))]


def resnet50():
    """The layers in the order of `model.layers`, named as keras.applications of TensorFlow 2.0 names them."""
    graph = Graph()

    def conv_bn(name, x, size, channels, filters, separator="_"):
        x = graph.conv(f"{name}{separator}conv", x, size, channels, filters)
        return graph.batch_normalization(f"{name}{separator}bn", x, filters)

    x = graph.plain("conv1_pad", graph.plain("input_1"))
    x = graph.plain("conv1_relu", conv_bn("conv1", x, 7, 3, 64))
    x = graph.plain("pool1_pool", graph.plain("pool1_pad", x))
    channels = 64
    for stage, filters, blocks in STAGES:
        for i in range(1, blocks + 1):
            block = f"{stage}_block{i}"
            shortcut = conv_bn(f"{block}_0", x, 1, channels, 4 * filters) if i == 1 else x
            x = graph.plain(f"{block}_1_relu", conv_bn(f"{block}_1", x, 1, channels, filters))
            x = graph.plain(f"{block}_2_relu", conv_bn(f"{block}_2", x, 3, filters, filters))
            x = conv_bn(f"{block}_3", x, 1, filters, 4 * filters)
            x = graph.plain(f"{block}_out", graph.plain(f"{block}_add", shortcut, x))
            channels = 4 * filters
    return graph.sorted(graph.dense("probs", graph.plain("avg_pool", x), channels, CLASSES))


def old_resnet50():
    """The same network as Keras 1 and keras-applications' resnet50.py built and named it: (layers in the order of `model.layers`,
    {name here: name in resnet50()}). Add is called with the branch first and the shortcut second, so branch2c precedes
    branch1, where resnet50() has ..._0_conv before ..._3_conv."""
    graph, new_names, counts = Graph(), {}, {}

    def numbered(kind, *inputs):
        counts[kind] = counts.get(kind, 0) + 1
        return graph.plain(f"{kind}_{counts[kind]}", *inputs)

    def conv_bn(conv, bn, new, x, size, channels, filters):
        new_names.update({conv: f"{new}_conv", bn: f"{new}_bn"})
        return graph.batch_normalization(bn, graph.conv(conv, x, size, channels, filters), filters)

    x = numbered("zeropadding2d", graph.plain("input_1"))
    x = numbered("activation", conv_bn("conv1", "bn_conv1", "conv1", x, 7, 3, 64))
    x = numbered("maxpooling2d", x)
    channels = 64
    for stage, filters, blocks in STAGES:
        for i in range(1, blocks + 1):
            block, old, above = f"{stage}_block{i}", stage[-1] + "abcdef"[i - 1], x
            sizes = [("a", 1, channels, filters), ("b", 3, filters, filters), ("c", 1, filters, 4 * filters)]
            for branch, (letter, size, inputs, outputs) in enumerate(sizes, 1):
                x = conv_bn(f"res{old}_branch2{letter}", f"bn{old}_branch2{letter}", f"{block}_{branch}", x, size, inputs, outputs)
                x = x if letter == "c" else numbered("activation", x)
            shortcut = above
            if i == 1:
                shortcut = conv_bn(f"res{old}_branch1", f"bn{old}_branch1", f"{block}_0", above, 1, channels, 4 * filters)
            x = numbered("activation", numbered("merge", x, shortcut))
            channels = 4 * filters
    new_names["fc1000"] = "probs"
    x = numbered("flatten", graph.plain("avg_pool", x))
    return graph.sorted(graph.dense("fc1000", x, channels, CLASSES)), new_names


# --- weights and images -----------------------------------------------------------------------------------------------------


def integers(stream, count, bits):
    """`count` integers in [0, 2^bits): the top bits of what SplitMix64 (Steele, Lea, Flood 2014) draws from seed stream * 2^32."""
    z = numpy.arange(1, count + 1, dtype=numpy.uint64)
    z *= numpy.uint64(0x9E3779B97F4A7C15)
    z += numpy.uint64(stream << 32)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z ^= z >> numpy.uint64(shift)
        z *= numpy.uint64(factor)
    z ^= z >> numpy.uint64(31)
    return (z >> numpy.uint64(64 - bits)).astype(numpy.int64)


def unit_range(layer, weight, shape):
    """(middle, half the width) of the values of a weight; float32 holds every value exactly."""
    if weight == "kernel":  # He's uniform limit sqrt(6 / inputs), rounded to a power of two
        exponent = round(0.5 * math.log2(6 / math.prod(shape[:-1])))
        return 0.0, 2.0 ** (exponent - SMALLER.get(layer, 0))
    if weight in ("gamma", "moving_variance"):  # the last gamma of a branch is half as large, as sums of branches grow
        middle = 0.5 if weight == "gamma" and layer.endswith("_3_bn") else 1.0
        return middle, middle / 2
    return 0.0, 0.25


def draw(stream, layer, weight, shape):
    middle, half = unit_range(layer, weight, shape)
    values = integers(stream, math.prod(shape), 23)
    values -= 1 << 22
    return (values.astype(numpy.float32) * numpy.float32(half * 2.0**-22) + numpy.float32(middle)).reshape(shape)


def weights():
    """{"layer/weight": float32 array}: the weight with index i in the order of `model.layers` is drawn from stream i."""
    names = [(layer.name, weight, shape) for layer in resnet50() for weight, shape in layer.weights.items()]
    return {f"{layer}/{weight}": draw(i, layer, weight, shape) for i, (layer, weight, shape) in enumerate(names)}


def patches(stream, bits):
    cells = SIDE // CELL
    return integers(stream, cells * cells * 3, bits).reshape(cells, cells, 3).repeat(CELL, 0).repeat(CELL, 1)


def image_8bit():
    """(224, 224, 3) uint8, RGB: patches of color under noise."""
    noise = integers(FINE_8BIT, SIDE * SIDE * 3, 6).reshape(SIDE, SIDE, 3)
    return (patches(COARSE_8BIT, 8) * 3 // 4 + noise).astype(numpy.uint8)


def image_float():
    """(224, 224, 3) float32 in [-128, 128), multiples of 2^-9: an input as it enters the network."""
    noise = integers(FINE_FLOAT, SIDE * SIDE * 3, 16).reshape(SIDE, SIDE, 3)
    return ((patches(COARSE_FLOAT, 16) + noise - (1 << 16)) * 2.0**-9).astype(numpy.float32)


def preprocess_input(image):
    """keras.applications' caffe mode: RGB -> BGR, the mean color of ImageNet subtracted in float32."""
    return image[..., ::-1].astype(numpy.float32) - numpy.array([103.939, 116.779, 123.68], numpy.float32)

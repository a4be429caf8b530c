"""Makes resnet50.safetensors: /usr/bin/python3 resnet50.py FOLDER. See ../README.md for what it holds.

ResNet-50 v1 of keras.applications, written with torch.nn.functional and computed in float64.
"""
import json
import pathlib
import struct
import sys

import numpy
import torch
import torch.nn.functional as F

import resnet50_weights as drawn

EPSILON = 1.001e-5
ELEMENTS = 32  # of each witness
WITNESSES = 2000  # the stream that draws the first one's places
IMAGES = ["photo", "float"]


class ResNet50:
    """Tensors are NCHW here; `outputs` collects every layer that is asked for as Keras would show it (NHWC)."""

    def __init__(self, weights, dtype):
        self.weights = {name: torch.from_numpy(w).to(dtype) for name, w in weights.items()}
        self.dtype = dtype
        self.outputs = {}

    def keep(self, name, x):
        self.outputs[name] = x.permute(0, 2, 3, 1).double().numpy() if x.dim() == 4 else x.double().numpy()
        return x

    def conv(self, name, x, stride=1, padding=0):
        kernel = self.weights[f"{name}/kernel"].permute(3, 2, 0, 1)  # (KH,KW,C,F) -> (F,C,KH,KW)
        return F.conv2d(x, kernel, self.weights[f"{name}/bias"], stride, padding)

    def batch_normalization(self, name, x):
        gamma, beta, mean, variance = (self.weights[f"{name}/{w}"] for w in ("gamma", "beta", "moving_mean", "moving_variance"))
        return F.batch_norm(x, mean, variance, gamma, beta, training=False, eps=EPSILON)

    def conv_bn(self, name, x, stride=1, padding=0):
        return self.batch_normalization(f"{name}_bn", self.conv(f"{name}_conv", x, stride, padding))

    def block(self, name, x, stride, projected):
        shortcut = self.conv_bn(f"{name}_0", x, stride) if projected else x
        x = F.relu(self.conv_bn(f"{name}_1", x, stride))
        x = F.relu(self.conv_bn(f"{name}_2", x, padding=1))
        return self.keep(f"{name}_out", F.relu(shortcut + self.conv_bn(f"{name}_3", x)))

    def __call__(self, images):
        """images (N, 224, 224, 3) -> logits (N, 1000)"""
        x = torch.from_numpy(images).to(self.dtype).permute(0, 3, 1, 2)
        x = self.keep("conv1_relu", F.relu(self.conv_bn("conv1", F.pad(x, (3, 3, 3, 3)), stride=2)))
        x = self.keep("pool1_pool", F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2))
        for stage, _, blocks in drawn.STAGES:
            for i in range(1, blocks + 1):
                x = self.block(f"{stage}_block{i}", x, 2 if i == 1 and stage != "conv2" else 1, projected=i == 1)
        x = self.keep("avg_pool", x.mean((2, 3)))
        return x @ self.weights["probs/kernel"] + self.weights["probs/bias"]


class Fixture:
    """safetensors, as generate.mjs writes it."""

    TYPES = {"float32": "F32", "float64": "F64", "int32": "I32"}

    def __init__(self):
        self.header, self.data = {}, b""

    def put(self, name, array):
        begin = len(self.data)
        self.data += numpy.ascontiguousarray(array).tobytes()
        self.header[name] = {"dtype": self.TYPES[str(array.dtype)], "shape": list(array.shape),
                             "data_offsets": [begin, len(self.data)]}

    def write(self, path, cases):
        versions = f"torch {torch.__version__}, numpy {numpy.__version__}"
        header = {"__metadata__": {"versions": versions, "cases": json.dumps(cases)}, **self.header}
        text = json.dumps(header, separators=(",", ":"))
        text += " " * (-len(text) % 8)
        path.write_bytes(struct.pack("<Q", len(text)) + text.encode() + self.data)
        print(path.name, path.stat().st_size)


def compute(weights, images, dtype):
    """(logits, probabilities, {layer: output}) of a batch, in float64 whatever computed them."""
    network = ResNet50(weights, dtype)
    with torch.no_grad():
        logits = network(images)
        return logits.double().numpy(), F.softmax(logits, 1).double().numpy(), network.outputs


def spread(a, b):
    return abs(a - b).max() / abs(b).max()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    weights = drawn.weights()
    images = numpy.stack([drawn.preprocess_input(drawn.image_8bit()), drawn.image_float()])
    logits, probabilities, outputs = compute(weights, images, torch.float64)
    logits32, _, outputs32 = compute(weights, images, torch.float32)

    fixture = Fixture()
    # Sums of float32 that are multiples of one small power of two: float64 holds them exactly, in whatever order.
    fixture.put("weights/sums", numpy.array([w.sum(dtype=numpy.float64) for w in weights.values()]))
    fixture.put("weights/last", numpy.array([w.ravel()[-1] for w in weights.values()]))
    outputs = {"input": images, **outputs}
    witnesses = {}
    for i, (layer, output) in enumerate(outputs.items()):
        witnesses[layer] = drawn.integers(WITNESSES + i, ELEMENTS, 31) % output[0].size
        fixture.put(f"witness/{layer}", witnesses[layer].astype(numpy.int32))
    for i, name in enumerate(IMAGES):
        fixture.put(f"{name}/logits", logits[i].astype(numpy.float32))
        fixture.put(f"{name}/probabilities", probabilities[i].astype(numpy.float32))
        print(f"{name}: logits {logits[i].min():.3f} to {logits[i].max():.3f}, standard deviation {logits[i].std():.3f}, largest "
              f"probability {probabilities[i].max():.4f}; float32 against float64 {spread(logits32[i], logits[i]):.2e}")
        for layer, output in outputs.items():
            values = output[i].ravel()
            fixture.put(f"{name}/{layer}", values[witnesses[layer]].astype(numpy.float32))
            if layer == "input":
                continue
            fixture.put(f"{name}/{layer}/sums", numpy.array([values.sum(), (values**2).sum()]))
            print(f"  {layer:17} mean {values.mean():7.4f}  root mean square {(values**2).mean()**0.5:7.4f}  "
                  f"largest {abs(values).max():8.3f}  float32 {spread(outputs32[layer][i], output[i]):.2e}")
    print(f"the images' logits differ by {spread(logits[0], logits[1]):.3f}")
    cases = [{"name": name, "layers": list(outputs)[1:]} for name in IMAGES]
    fixture.write(pathlib.Path(sys.argv[1], "resnet50.safetensors"), cases)


if __name__ == "__main__":
    main()

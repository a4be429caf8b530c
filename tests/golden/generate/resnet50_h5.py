"""Writes the drawn weights of ResNet-50 as Keras' save_weights does: /usr/bin/python3 resnet50_h5.py FILE [--names new|old]

new: layer names and weight names of TensorFlow 2.0's Keras, as in the file that it downloads
     (keras-applications' release "resnet", 102967424 bytes).
old: those of Keras 1, as in the file of the same name that earlier versions downloaded (deep-learning-models v0.2): conv1_W_1:0
     lies in the layer's group itself, the moving variance is called running_std (but is the variance), and branch2c precedes
     branch1.
"""
import argparse

import h5py
import numpy

import resnet50_weights as drawn

OLD_WEIGHTS = {"kernel": "W", "bias": "b", "gamma": "gamma", "beta": "beta", "moving_mean": "running_mean",
               "moving_variance": "running_std"}


def new_layers():
    """[(layer, [(name of a weight in the file, its name in weights())])] in the order of the file."""
    return [(layer.name, [(f"{layer.name}/{w}:0", f"{layer.name}/{w}") for w in layer.weights]) for layer in drawn.resnet50()]


def old_layers():
    layers, new_names = drawn.old_resnet50()
    return [(layer.name, [(f"{layer.name}_{OLD_WEIGHTS[w]}_1:0", f"{new_names[layer.name]}/{w}") for w in layer.weights])
            for layer in layers]


def write(path, names):
    weights = drawn.weights()
    layers = {"new": new_layers, "old": old_layers}[names]()
    with h5py.File(path, "w") as file:
        # Arrays of names are of fixed length, padded with zeros; a single text is of variable length.
        file.attrs["layer_names"] = numpy.array([layer.encode() for layer, _ in layers])
        if names == "new":  # Keras 1 wrote neither
            file.attrs["backend"] = b"tensorflow"
            file.attrs["keras_version"] = b"2.2.4-tf"
        for layer, entries in layers:
            group = file.create_group(layer)
            group.attrs["weight_names"] = numpy.array([name.encode() for name, _ in entries])  # float64 when there is none
            for name, weight in entries:
                group.create_dataset(name, data=weights[weight])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--names", choices=["new", "old"], default="new")
    arguments = parser.parse_args()
    write(arguments.file, arguments.names)


if __name__ == "__main__":
    main()

"""Checks that both peers compute the same: `check_peers.py PROGRAM`, the compiled onednn_peer.cpp.

The peers start from the same random parameters and images. Training compares the losses of five steps, which agree only
if every gradient and every update does; prediction compares the probabilities. The reference is PyTorch's plain network
in double precision, and everything else is measured against it: each style of the oneDNN peer and, in float, the
rewritings of the PyTorch peer.
"""

import copy
import itertools
import json
import subprocess
import sys
import tempfile

import numpy as np
import pytorch_peer as peer
import torch
from torch import Tensor, nn
from torch.fx.experimental import optimization

STEPS = 5
# Relative to the reference's largest value. A float is exact to 6e-8; five steps cost half a digit, the fifty layers of
# ResNet-50 more than one, and another one is for other processors, which sum in another order.
TOLERANCE = 1e-5

REWRITINGS = {
    "plain": [],
    "dense by oneDNN": [peer.with_onednn],
    "pooling first": [peer.with_pooling_first],
    "channels_last, pooling first": [peer.with_pooling_first, peer.with_pixels_first],
}


def random_network(name: str) -> nn.Module:
    """Initial values of 0 and 1 would hide mistakes: here each parameter and statistic is random."""
    network = peer.make_network(name)
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network


def losses(network: nn.Module, x: Tensor, labels: Tensor) -> list[float]:
    model = peer.WithLoss(network).train()
    step = peer.training_step(model, itertools.repeat((x, labels)))
    return [float(step()) for _ in range(STEPS)]


class OneDNN:
    def __init__(self, program: str):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def results(self, task: str, network: str, tensors: list[Tensor]) -> dict[str, list[float]]:
        with tempfile.NamedTemporaryFile() as file:
            for tensor in tensors:
                tensor.detach().numpy().astype(np.float32).tofile(file)
            file.flush()
            self.process.stdin.write(f"{task} {network} {file.name}\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["results"]


def check_training(name: str, onednn: OneDNN) -> dict[str, tuple]:
    network = random_network(name)
    x, labels = torch.rand(peer.BATCH_SIZE, 1, 28, 28), torch.randint(10, (peer.BATCH_SIZE,))
    expected = losses(copy.deepcopy(network).double(), x.double(), labels)
    results = onednn.results("check-train", name, [*network.parameters(), x, labels])
    results = {f"oneDNN, {style}": values for style, values in results.items()}
    for label, rewritings in REWRITINGS.items():
        if name == "cnn" or "first" not in label:
            rewritten = copy.deepcopy(network)
            for rewrite in rewritings:
                rewritten = rewrite(rewritten)
            results[f"PyTorch, {label}"] = losses(rewritten, x, labels)
    return {label: (values, expected) for label, values in results.items()}


def check_prediction(name: str, onednn: OneDNN) -> dict[str, tuple]:
    network = random_network(name).eval()
    x = torch.rand((1, 3, 224, 224) if name == "resnet50" else (1, 1, 28, 28))
    with torch.no_grad():
        expected = copy.deepcopy(network).double()(x.double()).softmax(1)[0].tolist()
        fold = optimization.fuse if name == "resnet50" else peer.without_batch_norm
        folded = fold(copy.deepcopy(network))
        by_pytorch = folded(x).softmax(1)[0].tolist()
    parameters = list(folded.parameters())
    if name == "resnet50":  # torch.fx sorts its copy anew: back to the order of the layers in the original
        layers = [n for n, module in network.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
        parameters = [p for n in layers for p in folded.get_submodule(n).parameters()]
    results = onednn.results("check-predict", name, [*parameters, x])
    results = {f"oneDNN, {style}": values for style, values in results.items()}
    results["PyTorch, folded"] = by_pytorch
    return {label: (values, expected) for label, values in results.items()}


def main() -> int:
    torch.manual_seed(1)
    onednn = OneDNN(sys.argv[1])
    failures = 0
    checks = [(check_training, name) for name in ("mlp", "mlp-improved", "cnn")]
    checks += [(check_prediction, name) for name in ("mlp", "cnn", "resnet50")]
    for check, name in checks:
        for label, (values, expected) in check(name, onednn).items():
            difference = np.max(np.abs(np.subtract(values, expected))) / np.max(np.abs(expected))
            passes = difference <= TOLERANCE  # false for NaN too
            failures += not passes
            print(f"{'ok  ' if passes else 'FAIL'} {check.__name__:16} {name:12} {label:45} {difference:.1e}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())

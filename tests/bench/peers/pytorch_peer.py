"""How fast PyTorch trains and predicts what Neurona's benchmarks do.

Prints one JSON line about itself, then answers each line `TASK NETWORK THREADS` of standard input with a JSON line:

    train mlp|mlp-improved|cnn THREADS      seconds of one step of SGD on a batch of 32 images, gathered from bytes
    predict mlp|cnn|resnet50 THREADS        seconds of one forward pass of a single image

Which of PyTorch's many settings is fastest depends on the machine, the BLAS and the number of threads. So the first
request of a kind tries every variant below, and that kind keeps the fastest: no choice of ours can hold the peer back.
Its answers name that variant and the seconds that each of them took.

What they took on two cores of a Xeon with AVX-512 in a virtual machine, PyTorch 1.13.1 on OpenBLAS 0.3.21, in
microseconds with one thread / two threads, each the least of one to four rounds (the rest of the machine was idle, but
its speed still varied, at times by half; training on one batch that stayed the same, which now is gathered):

    training step                                       mlp        mlp-improved         cnn
    eager                                            376 / 288      1022 / 1006    18300 / 12000
    eager, foreach                                   364 / 284      1047 / 1033    18500 / 10900
    eager, foreach, gradients zeroed                 443 / 307      1159 / 1129    20300 / 12200
    script                                           386 / 302      1038 / 1006    21300 / 12300
    trace                                            315 / 289       971 /  956    17700 / 10400
    dense by oneDNN                                  692 / 611      1705 / 1638    18700 / 12100
    channels_last                                                                  11200 /  7700
    channels_last, pooling first                                                   10800 /  7600
    channels_last, pooling first, trace                                            10700 /  7000
    channels_last, pooling first, dense by oneDNN                                  11700 /  8400

    prediction                                          mlp             cnn          resnet50
    eager                                           24.9 / 22.5     1345 / 831    104000 / 52000
    eager, folded                                                   1266 / 830     95000 / 49000
    freeze                                          16.1 / 14.4     1252 / 812     91000 / 49000
    optimize_for_inference                          17.3 / 16.5      840 / 602     64000 / 34000
    fx.optimize_for_inference                       30.7 / 29.0     1189 / 828     74000 / 42000
    channels_last                                                   1132 / 794     84000 / 45000
    channels_last, freeze                                           1103 / 720     82000 / 43000
    channels_last, optimize_for_inference                            834 / 602     67000 / 33000

Left out, for it gained nothing: torch.jit.enable_onednn_fusion. The surroundings matter more than the variants, see
prepare_process. With Debian's reference BLAS a step of mlp takes 4700; with OpenBLAS, as long as it took the processor
for an old one, it took 570 to 1200. With PyTorch at AVX2 a step of the cnn took up to 1.5 times as long, with memory
that was faulted in anew at each step 1.2 to 1.9 times.

On Debian: apt-get install python3-torch libopenblas0-openmp, then /usr/bin/python3 pytorch_peer.py
"""

import copy
import ctypes
import json
import math
import os
import re
import statistics
import sys
import time
import warnings
from typing import Callable, Iterator


def prepare_process():
    """What a user in search of speed sets before PyTorch starts. What is set already stays."""
    with open("/proc/cpuinfo") as file:
        has_avx512 = " avx512f " in file.read()
    if has_avx512:
        # PyTorch 1.13 stops at AVX2 unless told otherwise, and OpenBLAS 0.3.21 falls back to SSE3 on a processor
        # that is younger than itself.
        os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx512")
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    # Two OpenMP threads that land on one core wait for each other by spinning: milliseconds for each parallel region.
    os.environ.setdefault("OMP_PROC_BIND", "true")
    # glibc gives large blocks back to the system, and every step would fault in its activations and gradients again.
    m_mmap_threshold, m_trim_threshold, everything = -3, -1, 2**31 - 1
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_threshold, everything)
    libc.mallopt(m_trim_threshold, everything)


prepare_process()

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.fx.experimental import optimization  # noqa: E402

BATCH_SIZE = 32
TRAINING_IMAGES = 2000  # as many as Neurona's benchmark trains on
LEARNING_RATE = 0.05
KERAS_EPSILON = 1e-3
KERAS_MOMENTUM = 0.01  # PyTorch weighs the batch where Keras (0.99) weighs the past
RESNET_EPSILON = 1.001e-5

Run = Callable[[], object]


# ---- Networks: they take (N, 1, 28, 28) images, resnet50 (N, 3, 224, 224), and return logits ----


def normalized_head(features: int) -> list[nn.Module]:
    """BN, 200 SELU, BN, 100 SELU, BN, 10: what the tutorial puts behind Flatten."""
    layers: list[nn.Module] = []
    for units in (200, 100, 10):
        layers.append(nn.BatchNorm1d(features, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM))
        layers += [nn.Linear(features, units), nn.SELU()]
        features = units
    return layers[:-1]


def make_network(name: str) -> nn.Module:
    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.Sigmoid(), nn.Linear(100, 10))
    if name == "mlp-improved":
        return nn.Sequential(nn.Flatten(), *normalized_head(784))
    if name == "cnn":
        images = (nn.Conv2d(1, 64, 3), nn.ReLU(), nn.MaxPool2d(2))
        return nn.Sequential(*images, nn.Flatten(), *normalized_head(64 * 13 * 13))
    if name == "resnet50":
        return ResNet50()
    raise ValueError(f"unknown network '{name}'")


def normalized_convolution(channels: int, filters: int, size: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, filters, size, stride, padding=size // 2)
    return nn.Sequential(convolution, nn.BatchNorm2d(filters, eps=RESNET_EPSILON))


class Bottleneck(nn.Module):
    """Keras' variant: the stride sits on the first convolution and on the shortcut, not on the 3x3 convolution."""

    def __init__(self, channels: int, filters: int, stride: int, convolves_shortcut: bool):
        super().__init__()
        self.shortcut = (
            normalized_convolution(channels, 4 * filters, 1, stride) if convolves_shortcut else nn.Identity()
        )
        self.first = normalized_convolution(channels, filters, 1, stride)
        self.second = normalized_convolution(filters, filters, 3, 1)
        self.third = normalized_convolution(filters, 4 * filters, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first(x))
        y = F.relu(self.second(y))
        return F.relu(self.third(y) + self.shortcut(x))


class ResNet50(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = normalized_convolution(3, 64, 7, 2)
        # Keras pads with zeros, PyTorch with minus infinity: behind a ReLU the maxima are the same.
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        blocks: list[nn.Module] = []
        channels = 64
        for filters, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for i in range(count):
                blocks.append(Bottleneck(channels, filters, stride if i == 0 else 1, convolves_shortcut=i == 0))
                channels = 4 * filters
        self.blocks = nn.Sequential(*blocks)
        self.probs = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.pool(F.relu(self.stem(x))))
        return self.probs(F.adaptive_avg_pool2d(x, 1).flatten(1))


class WithLoss(nn.Module):
    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(self.network(x), labels)


# ---- Rewritings: the same numbers, sooner ----


class DenseByOneDNN(nn.Module):
    """nn.Linear asks BLAS for its products; tensors of the mkldnn layout go to oneDNN instead."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, x: Tensor) -> Tensor:
        return torch._C._nn.mkldnn_linear(x.to_mkldnn(), self.weight, self.bias).to_dense()


class FlattenPixelsFirst(nn.Module):
    """Flattens channels_last images in the order of their memory, which is Keras'; nn.Flatten would copy them."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def with_onednn(network: nn.Sequential) -> nn.Sequential:
    return nn.Sequential(*(DenseByOneDNN(layer) if isinstance(layer, nn.Linear) else layer for layer in network))


def with_pixels_first(network: nn.Sequential) -> nn.Sequential:
    """The network for channels_last images. Its first dense layers take the features in their new order."""
    layers = [FlattenPixelsFirst() if isinstance(layer, nn.Flatten) else layer for layer in network]
    norm = next(layer for layer in layers if isinstance(layer, nn.BatchNorm1d))
    linear = next(layer for layer in layers if isinstance(layer, nn.Linear))
    for t in (norm.weight, norm.bias, norm.running_mean, norm.running_var, linear.weight):
        t.data = t.data.reshape(-1, 64, 13, 13).permute(0, 2, 3, 1).reshape(t.shape)
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def with_pooling_first(network: nn.Sequential) -> nn.Sequential:
    """Max-pooling before ReLU: both are monotonic, so they commute, and ReLU has a quarter of the work."""
    convolution, relu, pool, *head = network
    return nn.Sequential(convolution, pool, relu, *head)


def without_batch_norm(network: nn.Sequential) -> nn.Sequential:
    """For prediction: each BatchNorm1d folded into the Linear behind it, W(sx + t) + b = (Ws)x + (Wt + b)."""
    layers = list(network)
    for norm, linear in zip(layers, layers[1:]):
        if isinstance(norm, nn.BatchNorm1d):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            shift = norm.bias - norm.running_mean * scale
            linear.bias.data += linear.weight.data @ shift.detach()
            linear.weight.data *= scale.detach()
    return nn.Sequential(*(layer for layer in layers if not isinstance(layer, nn.BatchNorm1d)))


# ---- Training ----


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of images from 0 to 1 with their labels, gathered from bytes in a new order each epoch, without end."""
    images = torch.randint(256, (TRAINING_IMAGES, 1, 28, 28), dtype=torch.uint8)
    labels = torch.randint(10, (TRAINING_IMAGES,))
    while True:
        order = torch.randperm(TRAINING_IMAGES)
        for chosen in order[: TRAINING_IMAGES // BATCH_SIZE * BATCH_SIZE].split(BATCH_SIZE):
            yield images[chosen].float().mul_(1 / 255), labels[chosen]


def training_step(
    model: nn.Module, given: Iterator[tuple[Tensor, Tensor]], set_to_none: bool = True, foreach: bool = True
) -> Run:
    """`model` returns the loss."""
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, foreach=foreach)

    def step():
        optimizer.zero_grad(set_to_none)
        loss = model(*next(given))
        loss.backward()
        optimizer.step()
        return loss

    return step


def training_variants(name: str) -> dict[str, Callable[[], Run]]:
    def eager(*rewritings: Callable, **options: bool) -> Run:
        network = make_network(name)
        for rewrite in rewritings:
            network = rewrite(network)
        return training_step(WithLoss(network), batches(), **options)

    def traced(*rewritings: Callable) -> Run:
        network = make_network(name)
        for rewrite in rewritings:
            network = rewrite(network)
        return training_step(torch.jit.trace(WithLoss(network), next(batches())), batches())

    variants = {
        "eager": lambda: eager(foreach=False),
        "eager, foreach": eager,
        "eager, foreach, gradients zeroed": lambda: eager(set_to_none=False),
        "script": lambda: training_step(torch.jit.script(WithLoss(make_network(name))), batches()),
        "trace": traced,
        "dense by oneDNN": lambda: eager(with_onednn),
    }
    if name == "cnn":
        variants |= {
            "channels_last": lambda: eager(with_pixels_first),
            "channels_last, pooling first": lambda: eager(with_pooling_first, with_pixels_first),
            "channels_last, pooling first, trace": lambda: traced(with_pooling_first, with_pixels_first),
            "channels_last, pooling first, dense by oneDNN": lambda: eager(
                with_pooling_first, with_pixels_first, with_onednn
            ),
        }
    return variants


# ---- Prediction ----


def prediction_variants(name: str) -> dict[str, Callable[[], Run]]:
    x = torch.rand((1, 3, 224, 224) if name == "resnet50" else (1, 1, 28, 28))
    plain = nn.Sequential(make_network(name), nn.Softmax(1)).eval()
    fold = optimization.fuse if name == "resnet50" else without_batch_norm
    folded = nn.Sequential(fold(make_network(name).eval()), nn.Softmax(1)).eval()
    with torch.no_grad():
        by_fx = optimization.optimize_for_inference(folded)

    def forward(model: nn.Module, images: Tensor) -> Run:
        def run():
            with torch.inference_mode():
                return model(images)

        return run

    def frozen(model: nn.Module, images: Tensor) -> Run:
        return forward(torch.jit.freeze(torch.jit.trace(model, images)), images)

    def optimized(model: nn.Module, images: Tensor) -> Run:
        return forward(torch.jit.optimize_for_inference(torch.jit.trace(model, images)), images)

    def channels_last(compile_model: Callable) -> Run:
        model = copy.deepcopy(folded).to(memory_format=torch.channels_last)
        return compile_model(model, x.to(memory_format=torch.channels_last))

    variants = {
        "eager": lambda: forward(plain, x),
        "eager, folded": lambda: forward(folded, x),
        "freeze": lambda: frozen(folded, x),
        "optimize_for_inference": lambda: optimized(folded, x),
        "fx.optimize_for_inference": lambda: forward(by_fx, x),  # what it can in torch.utils.mkldnn's layout
    }
    if name != "mlp":
        variants |= {
            "channels_last": lambda: channels_last(forward),
            "channels_last, freeze": lambda: channels_last(frozen),
            "channels_last, optimize_for_inference": lambda: channels_last(optimized),
        }
    return variants


# ---- Measuring and answering ----


def median_seconds(run: Run, budget: float = 0.3) -> float:
    """The median of repetitions that fill the budget. Short runs share a repetition, or it would measure the clock."""

    def repetition(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            run()
        return time.perf_counter() - start

    for _ in range(3):  # a traced module compiles itself in its first runs
        run()
    count = 1
    while repetition(count) < 0.01:
        count *= 2
    times: list[float] = []
    while sum(times) < budget or len(times) < 3:
        times.append(repetition(count))
    return statistics.median(times) / count


class Contest:
    """The variants of one kind of request, and the fastest of them."""

    def __init__(self, task: str, network: str):
        if (task, network) not in SUPPORTED:
            raise ValueError(f"'{task} {network}' is not supported")
        runs = {label: make() for label, make in SUPPORTED[task, network](network).items()}
        self.seconds = dict.fromkeys(runs, math.inf)
        for _ in range(3):  # in rounds, lest a neighbor on the machine decide
            for label, run in runs.items():
                self.seconds[label] = min(self.seconds[label], median_seconds(run, budget=0.03))
        self.variant = min(self.seconds, key=self.seconds.get)
        self.run = runs[self.variant]


SUPPORTED = {
    **{("train", name): training_variants for name in ("mlp", "mlp-improved", "cnn")},
    **{("predict", name): prediction_variants for name in ("mlp", "cnn", "resnet50")},
}


def answer(line: str, contests: dict) -> dict:
    try:
        task, network, threads = line.split()
        torch.set_num_threads(int(threads))
        if (task, network, threads) not in contests:
            contests[task, network, threads] = Contest(task, network)
        contest = contests[task, network, threads]
        seconds = median_seconds(contest.run)
    except (ValueError, RuntimeError) as error:
        return {"error": str(error)}
    return {
        "task": task,
        "network": network,
        "threads": int(threads),
        "seconds": seconds,
        "variant": contest.variant,
        "variants": contest.seconds,
    }


def blas_in_use() -> str:
    with open("/proc/self/maps") as file:
        found = re.findall(r"/(lib(?:\w*blas|mkl)[^/\s]*)$", file.read(), re.MULTILINE)
    return found[0] if found else "unknown"


def main():
    warnings.filterwarnings("ignore")  # torch.jit.trace and torch.fx remark on branches that do not matter here
    torch.manual_seed(1)
    torch.set_num_interop_threads(1)
    # Debian's package of 1.13.1 calls itself 1.13.0a0; the folder that it was built in knows better.
    built_in = re.search(r"pytorch-(\d+\.\d+\.\d+)", torch.__config__.show())
    version = built_in[1] if built_in else torch.__version__
    blas = blas_in_use()
    if blas.startswith("libblas."):
        print("PyTorch runs on the reference BLAS and is slow: install libopenblas0-openmp.", file=sys.stderr)
    print(json.dumps({"name": f"PyTorch {version}", "version": version, "blas": blas}), flush=True)
    contests: dict = {}
    for line in sys.stdin:
        print(json.dumps(answer(line, contests)), flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Compares what tools/train/train.py trains with the numbers in the tree; exit code 1 where one differs.

Networks with random weights are held to the golden numbers (tests/golden), which the tests in Rust hold ours to, as closely as
bfloat16 allows; the shipped Fashion's encoder and decoder to a picture that they give back; targets and noise to the equations; and
a training that goes on to one that was not interrupted. It takes some seconds. Needs what train.py needs.
"""

import json
import math
import sys
import tempfile
from argparse import Namespace
from pathlib import Path

import torch

import files
import pictures
import train
import transformer
from files import dit_torch

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN, FASHION = ROOT / "tests" / "golden", ROOT / "assets" / "models" / "fashion"
# A number in bfloat16 is right to 2⁻⁹.
BFLOAT16, FLOAT32 = 1e-2, 1e-6


def error(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


def networks():
    for name in ["dit-eps-p2-gray", "dit-learn-sigma-p2", "dit-learn-sigma-p4"]:
        config = json.loads((GOLDEN / f"{name}.json").read_text())
        weights, io = (dit_torch.read(GOLDEN / f"{name}{end}.safetensors") for end in ("", "-io"))
        side, heads = config["input_size"] // config["patch_size"], config["num_heads"]
        positions = dit_torch.positions(config["hidden_size"], side)
        out = transformer.forward(weights, io["x"], io["t"].float(), io["y"].long(), heads, positions)
        yield name, error(out, io["out"]), BFLOAT16
    config = json.loads((GOLDEN / "taesd.json").read_text())
    weights, io = (dit_torch.read(GOLDEN / f"taesd{end}.safetensors") for end in ("", "-io"))
    image = pictures.Coder(config).decode(files.part(weights, "decoder.layers."), io["z"])
    yield "taesd", error(image, io["image"]), BFLOAT16


def autoencoder():
    """A plain picture comes back through encoder and decoder; of one of them with another order of layers it would not."""
    tensors, config = files.read_tensors(FASHION), files.read_json(FASHION / "config.json")
    coder, image = pictures.Coder(config["autoencoder"]), torch.full((1, 1, 32, 32), -1.0)
    image[:, :, 8:28, 8:24] = 0.2
    z = coder.encode(files.part(tensors, pictures.ENCODER), image)
    found = coder.decode(files.part(tensors, pictures.DECODER), z)
    yield "a picture through the autoencoder", error(found, image), 0.1


def noise():
    scheduler = {"prediction_type": "v_prediction", "beta_schedule": "cosine", "num_train_timesteps": 1000}
    noising = transformer.Noising(scheduler)
    cosine = torch.tensor([math.cos((t / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(1000)], dtype=torch.float64)
    yield "cosine schedule", error(noising.alpha_bar[:999], cosine[1:] / cosine[0]), FLOAT32
    x0, eps = torch.randn(2, 64, 4, 2, 2)
    signal, sigma, _ = noising.draw(64)
    x_t, v = signal * x0 + sigma * eps, noising.target(x0, eps, signal, sigma)
    yield "x0 from v", error(signal * x_t - sigma * v, x0), FLOAT32
    noising = transformer.Noising(scheduler | {"prediction_type": "flow_prediction", "beta_schedule": "straight"})
    signal, sigma, told = noising.draw(64)
    x_t, velocity = signal * x0 + sigma * eps, noising.target(x0, eps, signal, sigma)
    yield "x0 from the velocity", error(x_t - told.view(-1, 1, 1, 1) / 1000 * velocity, x0), FLOAT32


class Fit:
    """Something to train."""

    def __init__(self):
        self.weights = {"blocks.0.weight": torch.eye(4), "bias": torch.zeros(4)}

    def loss(self, w):
        return ((torch.randn(4) @ w["blocks.0.weight"] + w["bias"] - torch.arange(4.0)).square()).mean()


class StopsAt(Fit):
    """Breaks off like Ctrl-C, in a step that still counts."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def loss(self, w):
        self.left -= 1
        if self.left == 0:
            train.signal.raise_signal(train.signal.SIGINT)
        return super().loss(w)


def resumed():
    def weights(folder, *tasks):
        found = {}
        options = Namespace(
            out=Path(folder), minutes=math.inf, steps=40, batch_size=1, lr=1e-2, warmup_steps=1, ema_decay=0.9,
            seed=3, muon=True, part="check", model="", data="", latents="", no_mirror=False, fresh=False,
            perceptual="",
        )  # fmt: skip
        for task in tasks:
            train.train(options, task, found.update)
        lines = (Path(folder) / "log.csv").read_text().splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == [str(step + 1) for step in range(40)], lines
        return torch.cat([value.flatten() for value in found.values()])

    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        yield "a training that goes on", error(weights(a, StopsAt(17), Fit()), weights(b, Fit())), 0.0


def main():
    torch.manual_seed(0)
    wrong = False
    for checks in (networks, autoencoder, noise, resumed):
        for name, found, tolerance in checks():
            print(f"{name}: {found:.2e}")
            wrong |= not found <= tolerance
    sys.exit(wrong)


if __name__ == "__main__":
    main()

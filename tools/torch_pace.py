#!/usr/bin/env python3
"""PyTorch at the work of crates/core/benches/pace.rs: reads the same lines, answers with as many numbers.

`cargo xtask bench` runs it where a Python has PyTorch, on as many threads as PyTorch takes of itself. The transformer is
tools/dit_torch.py; adaLN vectors are computed at every step, as there.
"""

import json
import math
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

import dit_torch

SHIPPED = Path(__file__).resolve().parent.parent / "assets" / "models" / "fashion"


class Model:
    def __init__(self, name, side, depth):
        self.autoencoder = None
        if name == "shipped":
            config = json.loads((SHIPPED / "config.json").read_text())
            weights = {}
            for shard in sorted(SHIPPED.glob("*.safetensors")):
                weights |= {key: value.float() for key, value in dit_torch.read(shard).items()}
            part = lambda start: {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}
            self.weights, self.decoder, self.autoencoder = part("transformer."), part("autoencoder."), config["autoencoder"]
            shape = config["transformer"]
            side, patch, self.heads, width = (shape[k] for k in ("sample_size", "patch_size", "num_heads", "hidden_size"))
            self.weights["pos_embed"] = dit_torch.positions(width, side // patch)
            self.stats = [torch.tensor(config["latents"][k]).view(1, -1, 1, 1) for k in ("std", "mean")]
            self.null = shape["num_classes"]
        else:
            blocks, width, self.heads = dit_torch.PRESETS[name]
            shapes = dit_torch.shapes(depth or blocks, width, 2, 4, side, 10)
            self.weights = {key: torch.randn(shape) * 0.03 for key, shape in shapes.items()}
            self.null = 10
        self.side = side

    def forward(self, x, t, y):
        return dit_torch.forward(self.weights, x, t, y, self.heads)

    def decode(self, x):
        std, mean = self.stats
        magnitude = self.autoencoder["latent_magnitude"]
        conv = lambda name, x: F.conv2d(
            x, self.decoder[f"decoder.layers.{name}.weight"], self.decoder.get(f"decoder.layers.{name}.bias"), padding=1
        )
        x, layer = F.relu(conv(0, ((x * std + mean) / magnitude).tanh() * magnitude)), 2
        stages = self.autoencoder["num_decoder_blocks"]
        for stage, blocks in enumerate(stages):
            for _ in range(blocks):
                y = F.relu(conv(f"{layer}.conv.2", F.relu(conv(f"{layer}.conv.0", x))))
                x, layer = F.relu(conv(f"{layer}.conv.4", y) + x), layer + 1
            if stage + 1 < len(stages):
                x, layer = F.interpolate(x, scale_factor=2, mode="nearest"), layer + 1
            x, layer = conv(layer, x), layer + 1
        return (x * 2 - 1).clamp(-1, 1)


def forward(model, pictures):
    x, y = torch.randn(pictures, 4, model.side, model.side), torch.zeros(pictures, dtype=torch.long)
    model.forward(x, torch.full((pictures,), 500.0), y)


def step(model, x):
    """Guided, a DDIM step of a model that predicts v, decoded where there is a decoder."""
    n, (signal, noise), (next_signal, next_noise) = len(x), (math.sqrt(0.5), math.sqrt(0.5)), (math.sqrt(0.6), math.sqrt(0.4))
    y = torch.tensor([0] * n + [model.null] * n)
    cond, uncond = model.forward(torch.cat([x, x]), torch.full((2 * n,), 500.0), y)[:, :4].chunk(2)
    v = uncond + 2.0 * (cond - uncond)
    x0 = (signal * x - noise * v).clamp(-4, 4)
    if model.autoencoder:
        model.decode(x0)
    return next_signal * x0 + next_noise * (x - signal * x0) / noise


def measure(line, kept):
    what, name, side, depth, pictures, times = line.split()
    key, pictures = (name, side, depth), int(pictures)
    if kept.get("key") != key:
        kept.clear()
        kept |= {"key": key, "model": Model(name, int(side), int(depth))}
    model, result = kept["model"], []
    x = torch.randn(pictures, 4, model.side, model.side)
    for _ in range(int(times)):
        start = time.perf_counter()
        forward(model, pictures) if what == "forward" else step(model, x)
        result.append((time.perf_counter() - start) * 1e3)
    return result


def main():
    kept = {}
    with torch.inference_mode():
        for line in sys.stdin:
            # The operations are counted on the other side.
            print(0, *(f"{ms:.4f}" for ms in measure(line, kept)), flush=True)


if __name__ == "__main__":
    main()

"""The transformer: a forward pass that is quick to train, noise, and latents. The twin of crates/train/src/dit.rs."""

import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

from files import dit_torch, part, read_labels

PREFIX = "transformer."
LOW = torch.bfloat16
# What of a configuration is here.
ONLY = {
    "conditioning": "adaln_zero", "learn_sigma": False, "downscale_freq_shift": 0, "mlp_norm_eps": 1e-6,
    "qk_norm": False, "block_embedders": False, "has_null_label": True,
}  # fmt: skip


def fresh(weights):
    """As the official initialisation has it: Xavier-uniform matrices, zero biases, zero adaLN and last layer."""
    result = {}
    for key, value in weights.items():
        value = torch.zeros_like(value)
        if key.endswith("embedding_table.weight") or key.startswith("t_embedder") and value.dim() == 2:
            value.normal_(std=0.02)
        elif value.dim() >= 2 and "adaLN" not in key and not key.startswith("final_layer"):
            torch.nn.init.xavier_uniform_(value.flatten(1))
        result[key] = value
    return result


def forward(w, x, t, y, heads, positions):
    """[B, C, h, w]. What the blocks compute is in bfloat16, their sum, the norms and the timestep in float32."""
    half = dit_torch.FREQUENCIES // 2
    depth = 1 + max(int(key.split(".")[1]) for key in w if key.startswith("blocks."))
    n, channels, height, width = x.shape
    patch = w["x_embedder.proj.weight"].shape[-1]
    rows, columns = height // patch, width // patch

    def linear(name, value):
        return F.linear(value.to(LOW), w[f"{name}.weight"].flatten(1).to(LOW), w[f"{name}.bias"].to(LOW))

    def modulate(value, shift, scale):
        return F.layer_norm(value, value.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]

    patches = x.view(n, channels, rows, patch, columns, patch).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
    h = linear("x_embedder.proj", patches).float() + positions
    angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)[None]
    embedded = torch.cat([angles.cos(), angles.sin()], 1)
    embedded = F.linear(embedded, w["t_embedder.mlp.0.weight"], w["t_embedder.mlp.0.bias"])
    embedded = F.linear(F.silu(embedded), w["t_embedder.mlp.2.weight"], w["t_embedder.mlp.2.bias"])
    condition = F.silu(embedded + F.embedding(y, w["y_embedder.embedding_table.weight"]))
    tokens, d = h.shape[1:]
    for i in range(depth):
        block = f"blocks.{i}"
        parts = linear(f"{block}.adaLN_modulation.1", condition).float().chunk(6, 1)
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = parts
        qkv = linear(f"{block}.attn.qkv", modulate(h, shift_msa, scale_msa))
        q, k, v = qkv.view(n, tokens, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        # Of few tokens PyTorch's own attention takes ten times as long, backwards.
        scores = (q @ k.transpose(-2, -1)).float() * (d // heads) ** -0.5
        mixed = (scores.softmax(-1).to(LOW) @ v).transpose(1, 2).reshape(n, tokens, d)
        h = h + gate_msa[:, None] * linear(f"{block}.attn.proj", mixed).float()
        hidden = F.gelu(linear(f"{block}.mlp.fc1", modulate(h, shift_mlp, scale_mlp)), approximate="tanh")
        h = h + gate_mlp[:, None] * linear(f"{block}.mlp.fc2", hidden).float()
    shift, scale = linear("final_layer.adaLN_modulation.1", condition).float().chunk(2, 1)
    out = linear("final_layer.linear", modulate(h, shift, scale)).float()
    out = out.view(n, rows, columns, patch, patch, -1).permute(0, 5, 1, 3, 2, 4)
    return out.reshape(n, -1, height, width)


class Noising:
    """Signal and noise of x_t, what the network is told of them, and what it is to put out."""

    TARGETS = {
        "epsilon": lambda x0, eps, signal, noise: eps,
        "v_prediction": lambda x0, eps, signal, noise: signal * eps - noise * x0,
        "flow_prediction": lambda x0, eps, signal, noise: eps - x0,
    }

    def __init__(self, scheduler):
        kind, schedule, self.steps = (scheduler[key] for key in ("prediction_type", "beta_schedule", "num_train_timesteps"))
        if kind not in self.TARGETS or schedule not in ("cosine", "squaredcos_cap_v2", "straight"):
            sys.exit(f"{kind} on the schedule {schedule}: use `dit train dit` for it")
        self.target, self.alpha_bar = self.TARGETS[kind], None
        if schedule != "straight":
            bar = lambda i: math.cos((i / self.steps + 0.008) / 1.008 * math.pi / 2) ** 2
            betas = [min(1 - bar(i + 1) / bar(i), 0.999) for i in range(self.steps)]
            self.alpha_bar = torch.from_numpy(np.cumprod(1 - np.array(betas)))

    def draw(self, n):
        """Signal, noise (each [n, 1, 1, 1]) and what the network is told, [n]."""
        if self.alpha_bar is None:
            sigma = 1 - torch.rand(n)
            signal, noise, told = 1 - sigma, sigma, sigma * self.steps
        else:
            t = torch.randint(self.steps, (n,))
            bar = self.alpha_bar[t]
            signal, noise, told = bar.sqrt().float(), (1 - bar).sqrt().float(), t.float()
        return signal.view(n, 1, 1, 1), noise.view(n, 1, 1, 1), told


class Task:
    """The squared error of a batch of latents; mirror images among them where the file has them."""

    def __init__(self, options, config, tensors):
        shape = config["transformer"]
        for key, value in ONLY.items():
            if shape.get(key, value) != value:
                sys.exit(f"transformer.{key} {shape[key]}: use `dit train dit` for it")
        if not isinstance(shape["sample_size"], int):
            sys.exit("latents that are no squares: use `dit train dit` for them")
        side, channels = shape["sample_size"], shape["in_channels"]
        self.heads, self.null = shape["num_heads"], shape["num_classes"]
        self.positions = dit_torch.positions(shape["hidden_size"], side // shape["patch_size"])
        self.noising, self.dropout, self.batch_size = Noising(config["scheduler"]), options.class_dropout, options.batch_size
        self.values = self.standardised(options.latents, config["latents"], [channels, side, side])
        self.labels = read_labels(options.data, self.null)
        if len(self.values) not in (len(self.labels), 2 * len(self.labels)):
            sys.exit(f"{options.latents}: {len(self.values)} latents for {len(self.labels)} labels")
        if options.no_mirror:
            self.values = self.values[: len(self.labels)]
        weights = part(tensors, PREFIX)
        self.weights = fresh(weights) if options.fresh else weights
        self.squares = torch.compile(self.squares)

    @staticmethod
    def standardised(path, stats, shape):
        values = dit_torch.read(path)["latents"]
        if list(values.shape[1:]) != shape:
            sys.exit(f"{path}: latents of {list(values.shape[1:])}, the model's are {shape}")
        mean, std = (torch.tensor(stats[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
        values = (values - mean) / std
        if values.mean().abs() > 0.1 or (values.std() - 1).abs() > 0.1:
            sys.exit(f"{path}: these are not the latents of the model's autoencoder")
        return values

    def squares(self, w, x, t, y, target):
        return (forward(w, x, t, y, self.heads, self.positions) - target).square().mean()

    def loss(self, w):
        index = torch.randint(len(self.labels), (self.batch_size,))
        y = torch.where(torch.rand(self.batch_size) < self.dropout, self.null, self.labels[index])
        if len(self.values) > len(self.labels):
            index = index + len(self.labels) * torch.randint(2, index.shape)
        x0 = self.values[index]
        eps, (signal, noise, told) = torch.randn_like(x0), self.noising.draw(len(x0))
        return self.squares(w, signal * x0 + noise * eps, told, y, self.noising.target(x0, eps, signal, noise))

#!/usr/bin/env python3
"""A DiT in plain PyTorch, written from the paper (arXiv:2212.09748), for checks of `dit` from outside.

    dit_torch.py random CHECKPOINT.pt --preset XL/2    random weights under the official names
    dit_torch.py request INPUT.safetensors             random x, t and y for such a model
    dit_torch.py forward CHECKPOINT.pt --input INPUT.safetensors --output OUTPUT.safetensors
    dit_torch.py compare A.safetensors B.safetensors   the largest and the relative difference of `out`

`forward` does what `dit forward` does after `dit convert CHECKPOINT.pt`. Needs PyTorch and NumPy only.
"""

import argparse
import json
import math
import resource
import struct
import time

import numpy as np
import torch
import torch.nn.functional as F

PRESETS = {"S": (12, 384, 6), "B": (12, 768, 12), "L": (24, 1024, 16), "XL": (28, 1152, 16)}
FREQUENCIES = 256


def shapes(depth, width, patch, channels, side, classes):
    """Names and shapes of the official state_dict."""
    d = width

    def linear(name, rows, columns):
        return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}

    result = {"pos_embed": (1, (side // patch) ** 2, d)}
    result |= {"x_embedder.proj.weight": (d, channels, patch, patch), "x_embedder.proj.bias": (d,)}
    result |= linear("t_embedder.mlp.0", d, FREQUENCIES) | linear("t_embedder.mlp.2", d, d)
    result |= {"y_embedder.embedding_table.weight": (classes + 1, d)}
    for i in range(depth):
        block = f"blocks.{i}"
        result |= linear(f"{block}.attn.qkv", 3 * d, d) | linear(f"{block}.attn.proj", d, d)
        result |= linear(f"{block}.mlp.fc1", 4 * d, d) | linear(f"{block}.mlp.fc2", d, 4 * d)
        result |= linear(f"{block}.adaLN_modulation.1", 6 * d, d)
    result |= linear("final_layer.linear", patch**2 * 2 * channels, d)
    return result | linear("final_layer.adaLN_modulation.1", 2 * d, d)


def positions(width, side):
    """First half of the channels: column, second: row; each [sin | cos]."""
    omega = 10000.0 ** (-np.arange(width // 4) / (width / 4))
    rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")

    def encode(place):
        angle = place.reshape(-1, 1) * omega
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)

    return torch.from_numpy(np.concatenate([encode(columns), encode(rows)], axis=1)).float()[None]


def random_checkpoint(path, preset, side, seed):
    name, patch = preset.split("/")
    depth, width, _ = PRESETS[name]
    torch.manual_seed(seed)
    state = {}
    for key, shape in shapes(depth, width, int(patch), 4, side, 1000).items():
        # Large enough that every part of the network matters for the result.
        state[key] = torch.randn(shape) * 0.03
    state["pos_embed"] = positions(width, side // int(patch))
    torch.save(state, path)
    print(f"{sum(v.numel() for v in state.values())} numbers")


def forward(w, x, t, y, heads):
    depth = 1 + max(int(key.split(".")[1]) for key in w if key.startswith("blocks."))
    patch = w["x_embedder.proj.weight"].shape[-1]
    n, _, height, _ = x.shape

    def linear(name, value):
        return F.linear(value, w[f"{name}.weight"], w[f"{name}.bias"])

    def modulate(value, shift, scale):
        return F.layer_norm(value, value.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]

    h = F.conv2d(x, w["x_embedder.proj.weight"], w["x_embedder.proj.bias"], stride=patch)
    h = h.flatten(2).transpose(1, 2) + w["pos_embed"]
    half = FREQUENCIES // 2
    angles = t[:, None].float() * torch.exp(-math.log(10000) * torch.arange(half) / half)[None]
    embedded = linear("t_embedder.mlp.0", torch.cat([angles.cos(), angles.sin()], 1))
    c = linear("t_embedder.mlp.2", F.silu(embedded)) + w["y_embedder.embedding_table.weight"][y]
    tokens, d = h.shape[1:]
    for i in range(depth):
        block = f"blocks.{i}"
        parts = linear(f"{block}.adaLN_modulation.1", F.silu(c)).chunk(6, 1)
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = parts
        qkv = linear(f"{block}.attn.qkv", modulate(h, shift_msa, scale_msa))
        q, k, v = qkv.view(n, tokens, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-2, -1) / math.sqrt(d // heads)).softmax(-1)
        mixed = (scores @ v).transpose(1, 2).reshape(n, tokens, d)
        h = h + gate_msa[:, None] * linear(f"{block}.attn.proj", mixed)
        hidden = F.gelu(linear(f"{block}.mlp.fc1", modulate(h, shift_mlp, scale_mlp)), approximate="tanh")
        h = h + gate_mlp[:, None] * linear(f"{block}.mlp.fc2", hidden)
    shift, scale = linear("final_layer.adaLN_modulation.1", F.silu(c)).chunk(2, 1)
    patches = linear("final_layer.linear", modulate(h, shift, scale))
    side = height // patch
    patches = patches.view(n, side, side, patch, patch, -1)
    return patches.permute(0, 5, 1, 3, 2, 4).reshape(n, -1, height, height)


DTYPES = {"F16": np.float16, "F32": np.float32, "I64": np.int64}


def read(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    result = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            values = np.frombuffer(body[start:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
            result[name] = torch.from_numpy(values.copy())
    return result


def write(path, tensors):
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        array = np.ascontiguousarray(tensor.numpy())
        dtype = next(key for key, value in DTYPES.items() if value == array.dtype)
        blob = array.tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["random", "request", "forward", "compare"])
    parser.add_argument("path")
    parser.add_argument("other", nargs="?")
    parser.add_argument("--preset", default="XL/2")
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--input")
    parser.add_argument("--output")
    options = parser.parse_args()
    if options.action == "random":
        random_checkpoint(options.path, options.preset, options.side, options.seed)
    elif options.action == "request":
        torch.manual_seed(options.seed)
        x = torch.randn(2, 4, options.side, options.side)
        write(options.path, {"x": x, "t": torch.tensor([987, 40]), "y": torch.tensor([207, 1000])})
    elif options.action == "forward":
        state, request = torch.load(options.path, map_location="cpu"), read(options.input)
        started = time.time()
        with torch.no_grad():
            out = forward(state, request["x"], request["t"], request["y"], options.heads)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{time.time() - started:.2f} s on {torch.get_num_threads()} threads, peak {peak:.0f} MiB")
        write(options.output, {"out": out.contiguous()})
    else:
        a, b = read(options.path)["out"], read(options.other)["out"]
        difference = (a - b).abs().max().item()
        relative = ((a - b).norm() / b.norm()).item()
        print(f"largest difference {difference:.3e} of {b.abs().max().item():.3e}, relative (2-norm) {relative:.3e}")


if __name__ == "__main__":
    main()

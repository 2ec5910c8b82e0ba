#!/usr/bin/env python3
"""Exports a model's folder (config.json and safetensors) to ONNX, for any engine that runs it.

    pip install onnx numpy
    tools/export_onnx.py transformer MODEL FILE.onnx   x [N,C,H,W], t [N], y [N] -> out, as `dit forward` has them
    tools/export_onnx.py decoder MODEL FILE.onnx       z [N,C,h,w] -> image, as `dit decode` has them
    tools/export_onnx.py step MODEL FILE.onnx          a guided step of a run, with the picture of it

`--pictures N` says how many pictures the graph is for: shapes are fixed, as engines that record a graph want them.

A step takes `x` [N,C,H,W]; `y` [2N], the classes of the pictures and then "none" for each; and single numbers: the timestep
`t`, the scale of guidance `guidance`, and four factors that the sampler computes: x0 = `x0_x`*x + `x0_out`*out, clamped where
the model says so, and next = `next_x`*x + `next_x0`*x0. It gives `next` and `picture`.

tools/check_onnx.py compares what is exported with the golden numbers and with runs of the shipped models.
Used: Python 3.11, onnx 1.23.2, numpy 2.4.6.
"""

import argparse
import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
FREQUENCIES = 256
NUMPY = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I64": np.int64}


class Unsupported(Exception):
    """A model that this script cannot export."""


# ---- Model folders


def read_safetensors(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    result = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in NUMPY:
            raise Unsupported(f"{path}: '{name}' is {entry['dtype']}; take a model with weights in 16 or 32 bits")
        start, end = entry["data_offsets"]
        values = np.frombuffer(body[start:end], NUMPY[entry["dtype"]]).reshape(entry["shape"])
        result[name] = values.astype(np.float32)
    return result


def read_model(folder):
    """The configuration, and the weights of the transformer and of the autoencoder."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    weights = {}
    for shard in sorted(folder.glob("*.safetensors")):
        weights |= read_safetensors(shard)
    part = lambda name: {key.removeprefix(name): value for key, value in weights.items() if key.startswith(name)}
    return config, part("transformer."), part("autoencoder.")


# ---- Graphs


class Graph:
    """Operators one after the other; a call adds one. Arrays among its inputs become constants of the graph."""

    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def input(self, name, shape, dtype=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value, name, shape):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def __call__(self, operator, *inputs, outputs=1, **attributes):
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        made = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, names, made, **attributes))
        return made[0] if outputs == 1 else made

    def constant(self, values):
        if values is None:
            return ""
        name = f"c{len(self.constants)}"
        values = np.asarray(values)
        values = values.astype(np.float32) if values.dtype.kind == "f" else values
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def model(self):
        graph = helper.make_graph(self.nodes, "ditscope", self.inputs, self.outputs, self.constants)
        # The oldest format that has these operators: the more engines read it.
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def shape(*sizes):
    return np.array(sizes, np.int64)


def number(value):
    """For an operator on two tensors. Not without dimensions: onnxruntime's WebGPU refuses those."""
    return np.array([value], np.float32)


# ---- The transformer


def positions(width, side):
    """First half of the channels: column, second: row; each [sin | cos]."""
    omega = 10000.0 ** (-np.arange(width // 4) / (width / 4))
    rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")

    def encode(place):
        angle = place.reshape(-1, 1) * omega
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)

    return np.concatenate([encode(columns), encode(rows)], axis=1)[None]


class Transformer:
    """A DiT with adaLN-Zero in a graph, for a batch of fixed size."""

    def __init__(self, graph, config, weights, batch):
        self.g, self.w, self.batch = graph, weights, batch
        self.side = config.get("sample_size", config.get("input_size"))
        self.patch, self.channels = config["patch_size"], config["in_channels"]
        self.width, self.depth, self.heads = config["hidden_size"], config["depth"], config["num_heads"]
        self.out_channels = self.channels * (2 if config["learn_sigma"] else 1)
        self.tokens = (self.side // self.patch) ** 2
        self.shift, self.mlp_eps = config.get("downscale_freq_shift", 0), config.get("mlp_norm_eps", 1e-6)
        if config.get("conditioning", "adaln_zero") != "adaln_zero" or config.get("qk_norm"):
            raise Unsupported("only transformers with adaLN-Zero and without qk_norm can be exported")
        if config.get("block_embedders"):
            raise Unsupported("transformers whose blocks have embedders of their own cannot be exported")

    def linear(self, value, name, scale=1.0, add=0.0):
        """A layer on tokens; `scale` and `add`, one for each row, go into its weights."""
        weight, bias = self.w[f"{name}.weight"] * np.reshape(scale, (-1, 1)), self.w[f"{name}.bias"] * scale + add
        return self.g("Add", self.g("MatMul", value, weight.T), bias)

    def silu(self, value):
        return self.g("Mul", value, self.g("Sigmoid", value))

    def condition(self, t, y):
        """Timestep and class -> [batch, D], or [1, D] for one timestep, and class."""
        half = FREQUENCIES // 2
        frequencies = np.exp(-math.log(10000) * np.arange(half) / (half - self.shift))
        angles = self.g("Mul", self.g("Reshape", t, shape(-1, 1)), frequencies[None])
        waves = self.g("Concat", self.g("Cos", angles), self.g("Sin", angles), axis=1)
        embedded = self.linear(self.silu(self.linear(waves, "t_embedder.mlp.0")), "t_embedder.mlp.2")
        return self.g("Add", embedded, self.g("Gather", self.w["y_embedder.embedding_table.weight"], y, axis=0))

    def vectors(self, c, name, number):
        """Shifts, scales (with the 1 that is added to them) and gates, [batch, 1, D] each; scales are the second of each three."""
        ones = np.zeros((number, self.width), np.float32)
        ones[1::3] = 1
        values = self.linear(c, name, add=ones.ravel())
        values = self.g("Reshape", values, shape(self.batch, 1, number * self.width))
        return self.g("Split", values, shape(*[self.width] * number), outputs=number, axis=2)

    def modulate(self, h, shift, scale, eps):
        ones = np.ones(self.width, np.float32)
        return self.g("Add", self.g("Mul", self.g("LayerNormalization", h, ones, axis=-1, epsilon=eps), scale), shift)

    def attention(self, h, name):
        g, each = self.g, self.width // self.heads
        # The scores' factor goes into the queries' weights.
        scale = np.repeat([1 / math.sqrt(each), 1.0, 1.0], self.width).astype(np.float32)
        qkv = self.linear(h, f"{name}.qkv", scale)
        parts = g("Split", qkv, shape(*[self.width] * 3), outputs=3, axis=2)
        q, k, v = (g("Reshape", part, shape(self.batch, self.tokens, self.heads, each)) for part in parts)
        q, v = (g("Transpose", part, perm=[0, 2, 1, 3]) for part in (q, v))
        scores = g("Softmax", g("MatMul", q, g("Transpose", k, perm=[0, 2, 3, 1])), axis=-1)
        mixed = g("Transpose", g("MatMul", scores, v), perm=[0, 2, 1, 3])
        return self.linear(g("Reshape", mixed, shape(self.batch, self.tokens, self.width)), f"{name}.proj")

    def gelu(self, x):
        """With tanh, written so that engines know it again."""
        g = self.g
        cube = g("Mul", g("Pow", x, number(3)), number(0.044715))
        tanh = g("Tanh", g("Mul", g("Add", x, cube), number(math.sqrt(2 / math.pi))))
        return g("Mul", g("Mul", x, number(0.5)), g("Add", tanh, number(1)))

    def block(self, h, c, name):
        g = self.g
        vectors = self.vectors(c, f"{name}.adaLN_modulation.1", 6)
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = vectors
        mixed = self.attention(self.modulate(h, shift_msa, scale_msa, 1e-6), f"{name}.attn")
        h = g("Add", h, g("Mul", gate_msa, mixed))
        hidden = self.gelu(self.linear(self.modulate(h, shift_mlp, scale_mlp, self.mlp_eps), f"{name}.mlp.fc1"))
        return g("Add", h, g("Mul", gate_mlp, self.linear(hidden, f"{name}.mlp.fc2")))

    def forward(self, x, t, y):
        g, rows, p = self.g, self.side // self.patch, self.patch
        embedder = [self.w[f"x_embedder.proj.{kind}"] for kind in ("weight", "bias")]
        h = g("Conv", x, *embedder, strides=[p, p], kernel_shape=[p, p])
        h = g("Transpose", g("Reshape", h, shape(self.batch, self.width, self.tokens)), perm=[0, 2, 1])
        h = g("Add", h, positions(self.width, rows))
        c = self.silu(self.condition(t, y))
        for i in range(self.depth):
            h = self.block(h, c, f"blocks.{i}")
        shift, scale = self.vectors(c, "final_layer.adaLN_modulation.1", 2)
        patches = self.linear(self.modulate(h, shift, scale, 1e-6), "final_layer.linear")
        patches = g("Reshape", patches, shape(self.batch, rows, rows, p, p, self.out_channels))
        patches = g("Transpose", patches, perm=[0, 5, 1, 3, 2, 4])
        return g("Reshape", patches, shape(self.batch, self.out_channels, self.side, self.side))


# ---- The decoder


def decode(g, config, w, x, std=1.0, mean=0.0):
    """Latents, of which std and mean make the autoencoder's own -> a picture, about -1 to 1."""
    if config["_class_name"] != "AutoencoderTiny":
        raise Unsupported(f"decoders of the kind {config['_class_name']} cannot be exported, only AutoencoderTiny")

    def conv(name, value, scale=1.0, add=0.0):
        """`scale` and `add` go into the weights."""
        weights, bias = [w[f"decoder.layers.{name}.weight"] * scale], w.get(f"decoder.layers.{name}.bias")
        weights += [] if bias is None else [bias + add]
        return g("Conv", value, *weights, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    magnitude = config["latent_magnitude"]
    std, mean = (np.reshape(np.float32(value) / np.float32(magnitude), (1, -1, 1, 1)) for value in (std, mean))
    x = g("Tanh", g("Add", g("Mul", x, std), mean))
    x, layer = g("Relu", conv(0, x, np.float32(magnitude))), 2
    stages = config["num_decoder_blocks"]
    for stage, blocks in enumerate(stages):
        for _ in range(blocks):
            y = g("Relu", conv(f"{layer}.conv.0", x))
            y = g("Relu", conv(f"{layer}.conv.2", y))
            x, layer = g("Relu", g("Add", conv(f"{layer}.conv.4", y), x)), layer + 1
        if stage + 1 < len(stages):
            nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            x, layer = g("Resize", x, None, np.array([1, 1, 2, 2], np.float32), **nearest), layer + 1
            x, layer = conv(layer, x), layer + 1
    # Its numbers are 0 to 1.
    bias = w[f"decoder.layers.{layer}.bias"]
    x = conv(layer, x, np.float32(2), bias - 1)
    patch = config.get("patch_size", 1)
    return g("DepthToSpace", x, blocksize=patch, mode="CRD") if patch > 1 else x


def picture_shape(config, pictures):
    """Of the whole model."""
    autoencoder, side = config["autoencoder"], config["transformer"]["sample_size"]
    factor = autoencoder.get("patch_size", 1) << (len(autoencoder["num_decoder_blocks"]) - 1)
    return [pictures, autoencoder.get("in_channels", 3), side * factor, side * factor]


# ---- What is exported


def transformer_model(config, weights, batch):
    g = Graph()
    dit = Transformer(g, config, weights, batch)
    x = g.input("x", [batch, dit.channels, dit.side, dit.side])
    out = dit.forward(x, g.input("t", [batch]), g.input("y", [batch], TensorProto.INT32))
    g.output(out, "out", [batch, dit.out_channels, dit.side, dit.side])
    return g.model()


def decoder_model(config, weights, z_shape, image_shape):
    g = Graph()
    g.output(decode(g, config, weights, g.input("z", z_shape)), "image", image_shape)
    return g.model()


def step_model(config, transformer, autoencoder, pictures):
    g = Graph()
    dit = Transformer(g, config["transformer"], transformer, 2 * pictures)
    if dit.out_channels != dit.channels or config["scheduler"].get("guidance_channels"):
        raise Unsupported("a step can be exported of models that predict no variance and whose channels are all guided")
    if config["scheduler"].get("clipping", "consistent") != "consistent":
        raise Unsupported("a step can be exported of models that clamp as dit does, not as diffusers does")
    latents = [pictures, dit.channels, dit.side, dit.side]
    x, y = g.input("x", latents), g.input("y", [2 * pictures], TensorProto.INT32)
    numbers = ["t", "guidance", "x0_x", "x0_out", "next_x", "next_x0"]
    t, guidance, x0_x, x0_out, next_x, next_x0 = [g.input(name, [1]) for name in numbers]
    both = dit.forward(g("Concat", x, x, axis=0), t, y)
    cond, uncond = g("Split", both, shape(pictures, pictures), outputs=2, axis=0)
    out = g("Add", uncond, g("Mul", guidance, g("Sub", cond, uncond)))
    x0 = g("Add", g("Mul", x0_x, x), g("Mul", x0_out, out))
    if limit := config["scheduler"].get("clip_sample_range"):
        x0 = g("Clip", x0, np.float32(-limit), np.float32(limit))
    g.output(g("Add", g("Mul", next_x, x), g("Mul", next_x0, x0)), "next", latents)
    stats = config["latents"]
    picture = decode(g, config["autoencoder"], autoencoder, x0, stats["std"], stats["mean"])
    picture = g("Clip", picture, np.float32(-1), np.float32(1))
    g.output(picture, "picture", picture_shape(config, pictures))
    return g.model()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["transformer", "decoder", "step"])
    parser.add_argument("model")
    parser.add_argument("file")
    parser.add_argument("--pictures", type=int, default=1)
    options = parser.parse_args()
    config, transformer, autoencoder = read_model(options.model)
    if options.action != "transformer" and not config.get("autoencoder"):
        raise Unsupported(f"{options.model} has no decoder: only its transformer can be exported")
    if options.action == "transformer":
        model = transformer_model(config["transformer"], transformer, options.pictures)
    elif options.action == "decoder":
        dit = config["transformer"]
        latents = [options.pictures, dit["in_channels"], dit["sample_size"], dit["sample_size"]]
        model = decoder_model(config["autoencoder"], autoencoder, latents, picture_shape(config, options.pictures))
    else:
        model = step_model(config, transformer, autoencoder, options.pictures)
    onnx.save(model, options.file)


if __name__ == "__main__":
    try:
        main()
    except Unsupported as reason:
        sys.exit(f"error: {reason}")

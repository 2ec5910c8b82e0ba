#!/usr/bin/env python3
"""Compares what tools/export_onnx.py makes with the numbers in the tree; exit code 1 where one differs.

    pip install onnx numpy
    tools/check_onnx.py

Networks with random weights are held to the golden numbers (tests/golden), which the tests in Rust hold ours to; the shipped
models to steps of the runs that `dit sample --record` has recorded of them (assets/runs). The evaluator is the one that onnx
brings, so that no engine is needed. It takes some seconds.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
from onnx.reference import ReferenceEvaluator

from export_onnx import decoder_model, read_model, read_safetensors, step_model, transformer_model

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
# Relative to the largest number, as the tests in Rust measure it.
TOLERANCE = 1e-4


def error(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def golden_errors():
    """Of the networks with random weights whose numbers are kept in tests/golden."""
    for name in ["dit-eps-p2-gray", "dit-learn-sigma-p2", "dit-learn-sigma-p4"]:
        config = json.loads((GOLDEN / f"{name}.json").read_text())
        weights, io = (read_safetensors(GOLDEN / f"{name}{end}.safetensors") for end in ("", "-io"))
        model = transformer_model(config, weights, len(io["t"]))
        (out,) = ReferenceEvaluator(model).run(None, {"x": io["x"], "t": io["t"], "y": io["y"].astype(np.int32)})
        yield name, error(out, io["out"])
    config = json.loads((GOLDEN / "taesd.json").read_text())
    weights, io = (read_safetensors(GOLDEN / f"taesd{end}.safetensors") for end in ("", "-io"))
    (image,) = ReferenceEvaluator(decoder_model(config, weights, io["z"].shape, io["image"].shape)).run(None, {"z": io["z"]})
    yield "taesd", error(image, io["image"])


def recorded(name):
    """What is known of a recorded run (see crates/protocol), and the f32 parts of its frames."""
    folder = ROOT / "assets" / "runs" / name
    run, data = json.loads((folder / "run.json").read_text()), (folder / "run.bin").read_bytes()
    info, frames, at = run["info"], [], 0
    latents, (height, width) = info["latent_shape"], info["image_shape"]
    for frame in run["frames"]:
        parts = {}
        for part in frame["parts"]:
            is_picture = part == "Pictures"
            size = height * width * 4 if is_picture else 4 * math.prod(latents)
            values = np.frombuffer(data[at : at + size], np.uint8 if is_picture else np.float32)
            parts[part] = values.reshape((height, width, 4) if is_picture else [1, *latents])
            at += size
        frames.append(parts)
    return info, frames


def factors(kind, alpha_bar, next_alpha_bar):
    """Of a DDIM step (2010.02502, equation 12 with η = 0) to where ᾱ is `next_alpha_bar`: x0_x, x0_out, next_x, next_x0."""
    (signal, noise), (next_signal, next_noise) = (
        (math.sqrt(value), math.sqrt(1 - value)) for value in (alpha_bar, next_alpha_bar)
    )
    x0 = {"epsilon": (1 / signal, -noise / signal), "sample": (0, 1), "v_prediction": (signal, -noise)}[kind]
    return *x0, next_noise / noise, next_signal - signal * next_noise / noise


def recorded_errors():
    """Of the shipped models: steps of the runs that are recorded beside them."""
    for name in ["fashion", "fashion-fast", "emoji", "tones"]:
        config, transformer, autoencoder = read_model(ROOT / "assets" / "models" / name)
        step = ReferenceEvaluator(step_model(config, transformer, autoencoder, 1))
        info, frames = recorded(name)
        alpha_bar = [*info["alpha_bar"], 1.0]
        y = np.array([info["settings"]["class"], config["transformer"]["num_classes"]], np.int32)
        number = lambda value: np.array([value], np.float32)
        for i in [0, len(frames) // 2, len(frames) - 2]:
            names = ["x0_x", "x0_out", "next_x", "next_x0"]
            given = dict(zip(names, map(number, factors(config["scheduler"]["prediction_type"], *alpha_bar[i : i + 2]))))
            given |= {"x": frames[i]["XT"], "y": y, "t": number(info["timesteps"][i])}
            given["guidance"] = number(info["settings"]["guidance_scale"])
            found, picture = step.run(None, given)
            yield f"{name}, step {i + 1}", error(found, frames[i + 1]["XT"])
            shown = np.moveaxis(frames[i]["Pictures"], 2, 0)[None, : picture.shape[1]] / 127.5 - 1
            # It is kept in 8 bits, so half a level of 255 is lost.
            yield f"{name}, picture {i + 1}", max(0.0, error(picture, shown) - 0.51 / 127.5)


def main():
    wrong = 0
    for errors in (golden_errors(), recorded_errors()):
        for name, found in errors:
            print(f"{name:28} {found:.1e}{'' if found <= TOLERANCE else f'  more than {TOLERANCE}'}")
            wrong += found > TOLERANCE
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

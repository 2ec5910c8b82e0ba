#!/usr/bin/env python3
"""Makes a tiny DiTPipeline with diffusers, and its pictures under diffusers' schedulers: tests/golden/pipeline.

    pip install torch diffusers safetensors numpy
    tools/golden_pipeline.py                  make the pictures anew from the pipeline in the tree, and compare them
                                              with those there; exit code 1 where one differs
    tools/golden_pipeline.py write DIR        write pipeline and pictures into a new folder, from random weights

The pipeline is saved as diffusers saves it, in 16 bits, which every number of it fits exactly. No code of ours is used.

Used: Python 3.11, torch 2.15.0, diffusers 0.42.1, safetensors 0.8.0, numpy 2.4.6, on a CPU. It takes some seconds.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, DDPMScheduler, DiTPipeline, DiTTransformer2DModel
from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler
from diffusers.pipelines.dit import pipeline_dit
from diffusers.schedulers import scheduling_ddpm
from safetensors.torch import load_file, save_file

diffusers.utils.logging.set_verbosity_error()

TREE = Path(__file__).resolve().parent.parent / "tests" / "golden" / "pipeline"
SEED = 7
CLASS = 207  # DiTPipeline's unconditional class is always number 1000, so that there are a thousand of them.
STEPS_OF_NOISE = 10
# Relative error of latents that the same code makes on another machine.
TOLERANCE = 1e-4
# Of every scheduler and spacing; with one timestep, few, many, and numbers that do not divide 1000.
STEPS = [1, 2, 3, 7, 10, 16, 30, 48, 64]

LEADING, TRAILING, LINSPACE = ({"timestep_spacing": name} for name in ("leading", "trailing", "linspace"))
PLAIN, CLIPPED = {"clip_sample": False}, {"clip_sample": True}
# Untrained, a network that is read as one of ε leads far off, where the decoder shows little. One of v stays near.
V = {"prediction_type": "v_prediction"}


def cases():
    """Name, scheduler, number of steps, guidance scale."""
    ddim, ddpm, dpm, unipc = DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler
    for steps in (2, 20):
        yield f"ddim-{steps}", ddim(**PLAIN), steps, 4.0
        yield f"ddim-{steps}-clip", ddim(**CLIPPED), steps, 4.0
        yield f"ddim-{steps}-v", ddim(**V, **PLAIN), steps, 4.0
        yield f"ddim-{steps}-v-clip", ddim(**V, **CLIPPED), steps, 4.0
    yield "ddim-20-v-trailing", ddim(**V, **PLAIN, **TRAILING), 20, 4.0
    yield "ddim-20-v-linspace", ddim(**V, **PLAIN, **LINSPACE), 20, 4.0
    # Its DDIM steps back by 1000 / N, rounded down: not always to the timestep that is next.
    yield "ddim-7-v-trailing", ddim(**V, **PLAIN, **TRAILING), 7, 4.0
    yield "ddim-3-v-linspace-clip", ddim(**V, **CLIPPED, **LINSPACE), 3, 4.0
    yield "ddim-4-v-offset", ddim(**V, **PLAIN, steps_offset=100, set_alpha_to_one=False), 4, 4.0
    yield "ddim-20-v-clip-2", ddim(**V, clip_sample_range=2.0), 20, 4.0
    yield "ddim-10-sample", ddim(prediction_type="sample"), 10, 4.0
    yield "ddim-5-v-unguided", ddim(**V, **PLAIN), 5, 1.0
    yield "ddpm-10", ddpm(**PLAIN), 10, 4.0
    yield "ddpm-10-clip", ddpm(**CLIPPED), 10, 4.0
    yield "ddpm-10-v", ddpm(**V, **PLAIN), 10, 4.0
    yield "ddpm-10-v-large", ddpm(**V, **PLAIN, **TRAILING, variance_type="fixed_large"), 10, 4.0
    for name, solver in {"dpm": dpm, "unipc": unipc}.items():
        yield f"{name}-10", solver(), 10, 4.0
        for spacing in (LINSPACE, LEADING, TRAILING):
            yield f"{name}-10-v-{spacing['timestep_spacing']}", solver(**V, **spacing), 10, 4.0
        yield f"{name}-10-v-offset", solver(**V, **LEADING, steps_offset=50), 10, 4.0
        yield f"{name}-10-v-cosine", solver(**V, beta_schedule="squaredcos_cap_v2"), 10, 4.0
        # The clamp of the old scheduler stays in the file, and nobody reads it.
        yield f"{name}-10-v-exchanged", solver.from_config(ddim(**V, **CLIPPED).config), 10, 4.0
    for steps, shift in ((1, 1.0), (10, 1.0), (10, 3.0), (7, 0.5)):
        scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
        # DiTPipeline asks every scheduler for this; in flow matching there is nothing to scale.
        scheduler.scale_model_input = lambda sample, timestep: sample
        yield f"flow-{steps}-shift-{shift:g}", scheduler, steps, 4.0


# ---- The pipeline


def new_pipeline():
    torch.manual_seed(SEED)
    width, patch, channels = 16, 2, 4
    transformer = DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=width // 2,
        in_channels=channels,
        out_channels=2 * channels,  # The second half is a variance, which DiTPipeline drops.
        num_layers=2,
        sample_size=8,
        patch_size=patch,
    )
    for name, weights in transformer.named_parameters():
        # The embedders keep what diffusers gives them: of each block others.
        if "emb." not in name:
            torch.nn.init.normal_(weights, std=0.15)
    # So much of the input passes to the output that what is predicted is like noise, and pictures stay within bounds.
    transformer.pos_embed.proj.weight.data.copy_(torch.eye(width).reshape(width, channels, patch, patch))
    passed = torch.eye(width).reshape(channels, patch, patch, width).permute(1, 2, 0, 3)
    transformer.proj_out_2.weight.data.view(patch, patch, 2 * channels, width)[:, :, :channels] += passed
    vae = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[8, 8],
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=channels,
        sample_size=16,
    )
    return DiTPipeline(transformer, vae, DDIMScheduler())


def load(folder):
    pipeline = DiTPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def run(pipeline, given, scheduler, steps, guidance):
    """Final latents and the picture, from given noise."""
    seen = {}
    decode = pipeline.vae.decode

    def watched(latents):
        seen["latents"] = latents * pipeline.vae.config.scaling_factor
        return decode(latents)

    noise_of_steps = iter(given["step_noise"])
    pipeline_dit.randn_tensor = lambda shape, **_: given["noise"].clone()
    # With guidance it steps both halves of a doubled batch, and goes on with the first.
    scheduling_ddpm.randn_tensor = lambda shape, **_: next(noise_of_steps).expand(shape)
    pipeline.scheduler, pipeline.vae.decode = scheduler, watched
    try:
        images = pipeline([CLASS], guidance_scale=guidance, num_inference_steps=steps, output_type="np").images
    finally:
        pipeline.vae.decode = decode
    return seen["latents"], torch.from_numpy((images * 255).round().astype(np.uint8))


def settings(scheduler):
    """As save_pretrained writes them, but for −∞, which is no JSON: null means the same."""
    values = json.loads(scheduler.to_json_string())
    return {key: None if value == -math.inf else value for key, value in values.items()}


def timesteps():
    """Scheduler, spacing, number of steps → timesteps, first to last; with steps_offset 1."""
    found = {}
    for scheduler in (DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler):
        for spacing in (LEADING, TRAILING, LINSPACE):
            made = scheduler(**spacing, steps_offset=1)
            for steps in STEPS:
                made.set_timesteps(steps)
                key = f"{scheduler.__name__} {spacing['timestep_spacing']} {steps}"
                found[key] = [int(t) for t in made.timesteps]
    return found


def results(folder, given):
    pipeline, described, numbers = load(folder), [], {}
    for name, scheduler, steps, guidance in cases():
        described.append({"name": name, "steps": steps, "guidance": guidance, "scheduler": settings(scheduler)})
        latents, picture = run(pipeline, given, scheduler, steps, guidance)
        numbers |= {f"{name}.latents": latents.contiguous(), f"{name}.picture": picture.contiguous()}
    return described, numbers


# ---- Check and write


def check():
    given = load_file(TREE / "noise.safetensors")
    described, numbers = results(TREE, given)
    golden = load_file(TREE / "pictures.safetensors")
    wrong = sorted(golden.keys() ^ numbers.keys())
    for name, ours in numbers.items():
        if name not in golden:
            continue
        theirs = golden[name].double()
        error = float((ours.double() - theirs).norm() / theirs.norm())
        print(f"{name:32} {error:.1e}")
        # A rounding may tip in a picture of whole numbers. In this direction NaN fails.
        if not error <= (TOLERANCE if name.endswith(".latents") else 0.01):
            wrong.append(name)
    if json.loads((TREE / "cases.json").read_text()) != described:
        wrong.append("cases.json")
    if json.loads((TREE / "timesteps.json").read_text()) != timesteps():
        wrong.append("timesteps.json")
    for name in wrong:
        print(f"{name:32} FAILED: differs, or is not in both")
    return int(bool(wrong))


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: name a new folder, so that nothing is overwritten")
    new_pipeline().to(torch.float16).save_pretrained(folder)
    torch.manual_seed(SEED)
    given = {"noise": torch.randn(1, 4, 8, 8), "step_noise": torch.randn(STEPS_OF_NOISE, 1, 4, 8, 8)}
    save_file(given, folder / "noise.safetensors")
    described, numbers = results(folder, given)
    save_file(numbers, folder / "pictures.safetensors")
    (folder / "cases.json").write_text(json.dumps(described, indent=1) + "\n")
    (folder / "timesteps.json").write_text(json.dumps(timesteps()) + "\n")
    print(f"written to {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("check", help="the default")
    commands.add_parser("write").add_argument("folder", type=Path)
    options = parser.parse_args()
    return write(options.folder) if options.command == "write" else check()


if __name__ == "__main__":
    sys.exit(main())

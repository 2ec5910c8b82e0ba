#!/usr/bin/env python3
"""Makes the golden numbers of tests/golden anew, with public packages and the papers' formulas, to check them.

    pip install torch diffusers safetensors numpy
    tools/golden.py                      compare with the files in the tree; exit code 1 where one differs
    tools/golden.py check --folder DIR   the same with the files of another folder
    tools/golden.py write DIR            write them anew, from the weights and inputs in the tree
    tools/golden.py write DIR --seed 7   the same, from new random weights and inputs

The transformer is tools/dit_torch.py, written from the DiT paper (arXiv:2212.09748); the samplers follow DDPM
(2006.11239), Improved DDPM (2102.09672), DDIM (2010.02502) and SiT (2401.08740); the decoders are those of diffusers.
No code of the official DiT release is used: that its numbers come out all the same is the check.

Used: Python 3.11, torch 2.15.0, diffusers 0.42.1, safetensors 0.8.0, numpy 2.4.6, on a CPU. It takes some seconds.
"""

import argparse
import json
import shutil
import sys
from functools import partial
from pathlib import Path

import diffusers
import numpy as np
import torch
from safetensors.torch import load_file, save_file

import dit_torch

# Not a word about the settings in a config.json that diffusers itself wrote and no longer reads.
diffusers.utils.logging.set_verbosity_error()

TREE = Path(__file__).resolve().parent.parent / "tests" / "golden"
# Relative error, as the Rust tests measure it. They allow 1e-4; what is remade in the same f32 must be closer.
TOLERANCE = 1e-5
# Of the schedules, which are f64.
SCHEDULE_TOLERANCE = 1e-12

GUIDANCE = 3.0
GUIDED_CHANNELS = 3  # The official release guides three of the four latent channels.
CLASSES = torch.tensor([1, 2])
TIMESTEPS = 1000
BETAS = np.linspace(1e-4, 0.02, TIMESTEPS)

DITS = ["dit-eps-p2-gray", "dit-learn-sigma-p2", "dit-learn-sigma-p4"]
SIT = "dit-learn-sigma-p2"  # This network, taken as one that predicts a velocity.
DECODERS = {"kl": diffusers.AutoencoderKL, "taesd": diffusers.AutoencoderTiny}
CHECKPOINT = "dit-eps-p2-gray"  # The one that is kept as a checkpoint of torch.save, too.
# Every stride-th entry is kept of the long ones.
SCHEDULES = {"1000": 10, "250": 10, "100": 1, "50": 1, "25": 1, "10": 1, "ddim50": 1, "ddim20": 1, "ddim10": 1}
SCHEDULE_KEYS = ["betas", "alphas_cumprod", "posterior_log_variance_clipped"]


# ---- Schedules


def kept_timesteps(name):
    """Which of the thousand timesteps a run visits: both ends included, or `ddimN`: 0, T/N, 2T/N, …"""
    if name.startswith("ddim"):
        steps = int(name.removeprefix("ddim"))
        if TIMESTEPS % steps:
            raise ValueError(f"{name}: {steps} does not divide {TIMESTEPS}")
        return list(range(0, TIMESTEPS, TIMESTEPS // steps))
    steps = int(name)
    return [round(i * (TIMESTEPS - 1) / (steps - 1)) for i in range(steps)]


class Schedule:
    """The noise schedule of a respaced run: ᾱ at the kept timesteps, and the β that belong to it."""

    def __init__(self, name):
        self.timesteps = kept_timesteps(name)
        self.alphas_cumprod = np.cumprod(1 - BETAS)[self.timesteps]
        self.previous = np.append(1.0, self.alphas_cumprod[:-1])
        self.betas = 1 - self.alphas_cumprod / self.previous
        variance = self.betas * (1 - self.previous) / (1 - self.alphas_cumprod)
        # The first is zero and has no logarithm: the second stands in its place.
        self.posterior_log_variance_clipped = np.log(np.append(variance[1], variance[1:]))
        self.fixed_large_log_variance = np.log(np.append(variance[1], self.betas[1:]))

    def numbers(self, stride):
        lists = {key: getattr(self, key)[::stride].tolist() for key in SCHEDULE_KEYS}
        return {"timesteps": self.timesteps} | lists | {"stride": stride}


# ---- The transformer's numbers


class Network:
    """A golden transformer: its configuration and weights."""

    def __init__(self, folder, name):
        self.config = json.loads((folder / f"{name}.json").read_text())
        self.weights = load_file(folder / f"{name}.safetensors")
        self.channels = self.config["in_channels"]
        # The gray model was made without guidance.
        self.guided = self.config["learn_sigma"]
        self.classes = CLASSES

    def forward(self, x, t, y):
        return dit_torch.forward(self.weights, x, t, y.long(), self.config["num_heads"])

    def guide(self, x, t, y):
        """Conditional and unconditional half; in the guided channels both hold the guided value."""
        null = torch.full_like(y, self.config["num_classes"])
        out = self.forward(torch.cat([x, x]), torch.full((2 * len(x),), t), torch.cat([y, null]))
        conditional, unconditional = out[:, :GUIDED_CHANNELS].chunk(2)
        guided = unconditional + GUIDANCE * (conditional - unconditional)
        return torch.cat([torch.cat([guided, guided]), out[:, GUIDED_CHANNELS:]], 1)

    def predict(self, x, t):
        """ε (or a velocity) of the pictures of a run, and what is predicted of the variance."""
        if self.guided:
            out = self.guide(x, t, self.classes)[: len(x)]
        else:
            out = self.forward(x, torch.full((len(x),), t), self.classes)
        return out[:, : self.channels], out[:, self.channels :]


def ddim(network, schedule, x):
    """η = 0, x̂0 not clipped."""
    for i in reversed(range(len(schedule.timesteps))):
        eps, _ = network.predict(x, schedule.timesteps[i])
        alpha, previous = schedule.alphas_cumprod[i], schedule.previous[i]
        x0 = (x - np.sqrt(1 - alpha) * eps) / np.sqrt(alpha)
        x = np.sqrt(previous) * x0 + np.sqrt(1 - previous) * eps
    return x


def ddpm(network, schedule, x, noise):
    for step, i in enumerate(reversed(range(len(schedule.timesteps)))):
        eps, variance = network.predict(x, schedule.timesteps[i])
        alpha, previous, beta = schedule.alphas_cumprod[i], schedule.previous[i], schedule.betas[i]
        x0 = (x - np.sqrt(1 - alpha) * eps) / np.sqrt(alpha)
        mean = (np.sqrt(previous) * beta * x0 + np.sqrt(1 - beta) * (1 - previous) * x) / (1 - alpha)
        if network.config["learn_sigma"]:
            # Between the two bounds of the true variance, on a logarithmic scale.
            share = (variance + 1) / 2
            log_variance = share * np.log(beta) + (1 - share) * schedule.posterior_log_variance_clipped[i]
        else:
            log_variance = torch.tensor(schedule.fixed_large_log_variance[i])
        x = mean + (torch.exp(0.5 * log_variance) * noise[step] if i > 0 else 0)
    return x


def dit_numbers(name, folder, given):
    network = Network(folder, name)
    result = {"out": network.forward(given["x"], given["t"], given["y"])}
    if network.guided:
        result["cfg_out"] = network.guide(given["cfg_x"], 500, given["cfg_y"])
    for steps in ["ddim10", "ddim20"]:
        result[steps] = ddim(network, Schedule(steps), given["noise"])
    result["ddpm25"] = ddpm(network, Schedule("25"), given["noise"], given["ddpm25_noise"])
    return result


def sit_numbers(folder, given):
    """The straight path from noise (t = 0) to data (t = 1), with N equal steps."""
    network = Network(folder, SIT)
    network.classes = given["classes"]

    def velocity(x, t):
        return network.predict(x, t)[0]

    def integrate(steps, heun):
        x = given["noise"]
        for i in range(steps):
            first = velocity(x, i / steps)
            euler = x + first / steps
            x = x + (first + velocity(euler, (i + 1) / steps)) / (2 * steps) if heun else euler
        return x

    euler = {f"euler{steps}": integrate(steps, False) for steps in [10, 25]}
    return euler | {"heun10": integrate(10, True), "velocity_at_0.3": velocity(given["noise"], 0.3)}


# ---- The decoders' numbers


def decoder(folder, name):
    config = json.loads((folder / f"{name}.json").read_text())
    return DECODERS[name].from_config(config).eval()


def decoder_numbers(name, folder, given):
    model = decoder(folder, name)
    model.load_state_dict(load_file(folder / f"{name}.safetensors"))
    return {"image": model.decode(given["z"]).sample}


# What makes the results of each file of inputs and results.
MAKERS = {f"{name}-io.safetensors": partial(dit_numbers, name) for name in DITS}
MAKERS |= {f"{name}-io.safetensors": partial(decoder_numbers, name) for name in DECODERS}
MAKERS |= {"sit-io.safetensors": sit_numbers}
INPUTS = {"x", "t", "y", "cfg_x", "cfg_y", "noise", "ddpm25_noise", "classes", "z"}


# ---- Check


class Table:
    def __init__(self):
        self.failed = False
        self.line("file", "number", "largest difference", "relative error", "allowed")

    def line(self, file, what, *columns):
        differences = "".join(f"{column:>20}" for column in columns)
        print(f"{file:34} {what:16}{differences}")

    def compare(self, file, what, ours, theirs, allowed):
        """Norm of the difference by the norm of what is in the file, as in the Rust tests."""
        ours, theirs = (np.asarray(numbers, dtype=np.float64) for numbers in (ours, theirs))
        if ours.shape != theirs.shape:
            return self.fail(file, what, f"its shape is {list(theirs.shape)}, remade {list(ours.shape)}")
        largest = np.abs(ours - theirs).max()
        relative = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
        self.line(file, what, f"{largest:.1e}", f"{relative:.1e}", f"{allowed:.0e}")
        # In this direction NaN fails.
        if not relative <= allowed:
            self.fail(file, what, "differs by more than is allowed")

    def fail(self, file, what, reason):
        self.failed = True
        self.line(file, what, f"  FAILED: {reason}")

    def note(self, file, reason):
        print(f"{file:34} {reason}")


def check_io(table, folder, file):
    if not (folder / file).exists():
        return table.note(file, "not in this folder, so not compared")
    given = load_file(folder / file)
    results = MAKERS[file](folder, given)
    for what in sorted(given.keys() - results.keys() - INPUTS):
        table.fail(file, what, "is in the file, but nothing here makes it")
    for what, ours in results.items():
        if what in given:
            table.compare(file, what, ours, given[what], TOLERANCE)
        else:
            table.fail(file, what, "is remade, but not in the file")


def check_schedules(table, folder):
    file = "schedules.json"
    golden = json.loads((folder / file).read_text())
    for name in sorted(golden.keys() ^ SCHEDULES.keys()):
        table.fail(file, name, "is in the file or remade, but not both")
    for name in [name for name in SCHEDULES if name in golden]:
        ours, theirs = Schedule(name).numbers(SCHEDULES[name]), golden[name]
        if any(ours[key] != theirs[key] for key in ("timesteps", "stride")):
            table.fail(file, name, "has other timesteps or another stride")
            continue
        numbers = [[row[key] for key in SCHEDULE_KEYS] for row in (ours, theirs)]
        table.compare(file, name, *numbers, SCHEDULE_TOLERANCE)


def check_checkpoint(table, folder):
    file = f"{CHECKPOINT}.pt"
    with torch.serialization.safe_globals([argparse.Namespace]):
        ours = torch.load(folder / file, weights_only=True)["ema"]
    weights = load_file(folder / f"{CHECKPOINT}.safetensors")
    if ours.keys() != weights.keys() or any(not torch.equal(ours[key], weights[key]) for key in weights):
        return table.fail(file, "ema", f"has other weights than {CHECKPOINT}.safetensors")
    table.note(file, f"has the weights of {CHECKPOINT}.safetensors, bit for bit")
    table.note(file, "not remade byte by byte: it shows what torch 1.13 wrote, and a newer one writes another form")


def check(folder):
    table = Table()
    for name in DITS:
        weights, positions = Network(folder, name).weights, new_positions(folder, name)
        table.compare(f"{name}.safetensors", "pos_embed", positions, weights["pos_embed"], TOLERANCE)
    for file in MAKERS:
        check_io(table, folder, file)
    check_schedules(table, folder)
    check_checkpoint(table, folder)
    for name in [*DITS, *DECODERS]:
        table.note(f"{name}.safetensors, .json", "not remade: random weights and their sizes are where it starts from")
    for file in sorted(path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".json", ".pt")):
        if file not in known_files():
            table.fail(file, "", "nothing here makes it")
    return int(table.failed)


def known_files():
    inputs = {f"{name}.{kind}" for name in [*DITS, *DECODERS] for kind in ("json", "safetensors")}
    return inputs | MAKERS.keys() | {"schedules.json", f"{CHECKPOINT}.pt"}


# ---- Write


def write(folder, seed):
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: name a new folder, so that nothing is overwritten")
    if seed is not None:
        torch.manual_seed(seed)
    for name in [*DITS, *DECODERS]:
        shutil.copy(TREE / f"{name}.json", folder)
        if seed is None:
            shutil.copy(TREE / f"{name}.safetensors", folder)
        else:
            save_file(new_weights(folder, name), folder / f"{name}.safetensors")
    for file, maker in MAKERS.items():
        if (TREE / file).exists():
            inputs = {key: value for key, value in load_file(TREE / file).items() if key in INPUTS}
            if seed is not None:
                inputs = {key: new_input(key, value) for key, value in inputs.items()}
            results = maker(folder, inputs)
            save_file({key: value.contiguous() for key, value in (inputs | results).items()}, folder / file)
    schedules = {name: Schedule(name).numbers(stride) for name, stride in SCHEDULES.items()}
    (folder / "schedules.json").write_text(json.dumps(schedules))
    weights = load_file(folder / f"{CHECKPOINT}.safetensors")
    options = argparse.Namespace(model="DiT-S/2", image_size=8, lr=1e-4, global_seed=0)
    torch.save({"ema": weights, "model": {}, "args": options}, folder / f"{CHECKPOINT}.pt")
    print(f"written to {folder}")


def new_positions(folder, name):
    config = json.loads((folder / f"{name}.json").read_text())
    return dit_torch.positions(config["hidden_size"], config["input_size"] // config["patch_size"])


def new_weights(folder, name):
    if name in DECODERS:
        return decoder(folder, name).state_dict()
    shapes = {key: value.shape for key, value in load_file(TREE / f"{name}.safetensors").items()}
    # Large enough that every part of the network matters for the result.
    weights = {key: 0.06 * torch.randn(shape) for key, shape in shapes.items()}
    return weights | {"pos_embed": new_positions(folder, name)}


def new_input(key, value):
    """Pictures and noise are new; timesteps and classes stay."""
    return value if key in ("t", "y", "cfg_y", "classes") else torch.randn_like(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action")
    actions.add_parser("check").add_argument("--folder", type=Path, default=TREE)
    writing = actions.add_parser("write")
    writing.add_argument("folder", type=Path)
    writing.add_argument("--seed", type=int)
    options = parser.parse_args()
    with torch.no_grad():
        if options.action == "write":
            write(options.folder, options.seed)
        else:
            sys.exit(check(getattr(options, "folder", TREE)))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""`dit train` for a start in PyTorch: several times as fast on a processor with AMX.

    train.py dit RUN/model --data DATA --latents RUN/latents.safetensors --out OUT --minutes 60
    train.py decoder MODEL --data DATA --perceptual EYE/classifier --out OUT --minutes 30
    train.py classifier --data DATA --out OUT --seed 1 --steps 929

`dit` goes on from a model's transformer, or with --fresh from nothing in its shape; `dit train dit … --epochs 0.01` writes such a
model, and RUN/latents.safetensors. adaLN-Zero, square latents, ε, v and flow on the cosine schedule or the straight path; what else
there is is for `dit train`, which also has other weights of the loss and other timesteps. `decoder` goes on from a model's decoder,
its encoder frozen. OUT/model (OUT/classifier) is what `dit` reads: the moving average, in float32 (`dit convert` makes float16 of a
model). Optimizer, learning rate and average are those of crates/train, batches and noise come from PyTorch's random numbers, a
function of seed and step. The first step compiles, for half a minute. The same command goes on from OUT/state.pt; Ctrl-C and SIGTERM
write it.

Needs PyTorch 2.9 or later, NumPy and a C++ compiler.
"""

import argparse
import math
import signal
import sys
import time
from pathlib import Path

import torch

import pictures
import transformer
from files import read_json, read_tensors, write_tensors

HEADER = "step,seconds,loss,grad_norm,lr,images_per_second"
# What a training that goes on must have begun with.
MAKING = ("part", "model", "data", "latents", "no_mirror", "fresh", "muon", "perceptual", "seed")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    dit, decoder, classifier = (parts.add_parser(name) for name in ("dit", "decoder", "classifier"))
    for command in (dit, decoder):
        command.add_argument("model", help="folder of the model to start from")
    for command in (dit, decoder, classifier):
        command.add_argument("--data", required=True, help="folder of the data set")
        command.add_argument("--out", required=True, type=Path)
        command.add_argument("--minutes", type=float, default=math.inf, help="the whole training, over all sittings")
        command.add_argument("--steps", type=int, help="the whole training, where it is shorter")
        command.add_argument("--batch-size", type=int, default=256 if command is dit else 64)
        command.add_argument("--lr", type=float, default=1e-3)
        command.add_argument("--warmup-steps", type=int, default=100)
        command.add_argument("--ema-decay", type=float, default=0.999)
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--threads", type=int, default=torch.get_num_threads())
        command.set_defaults(model=None, latents=None, no_mirror=False, fresh=False, muon=False, perceptual=None)
    dit.add_argument("--latents", required=True, help="what `dit train dit` left in its folder")
    dit.add_argument("--fresh", action="store_true", help="from random weights")
    dit.add_argument("--muon", action="store_true", help="Muon (Jordan et al. 2024) for the blocks' matrices")
    dit.add_argument("--no-mirror", action="store_true", help="leave out the latents of mirror images")
    dit.add_argument("--class-dropout", type=float, default=0.1)
    decoder.add_argument("--latent-noise", type=float, default=0.05, help="in standard deviations")
    decoder.add_argument("--perceptual", help="the classifier in whose features LPIPS is measured")
    decoder.add_argument("--perceptual-weight", type=float, default=0.05)
    options = parser.parse_args()
    if options.steps is None and options.minutes == math.inf:
        parser.error("how long? --minutes or --steps")
    options.steps = math.inf if options.steps is None else options.steps
    if min(options.minutes, options.steps, options.batch_size, options.threads) <= 0:
        parser.error("--minutes, --steps, --batch-size, --threads: use numbers above 0")
    return options


class Trainer:
    """Weights, their moving average, the optimizers, and where the training stands."""

    def __init__(self, options, weights):
        self.options, self.step, self.seconds, self.is_stopped = options, 0, 0.0, False
        self.weights = {key: value.clone().requires_grad_() for key, value in weights.items()}
        self.averages = {key: value.clone() for key, value in weights.items()}
        is_matrix = lambda key, value: options.muon and key.startswith("blocks.") and value.dim() == 2
        rest = [value for key, value in self.weights.items() if not is_matrix(key, value)]
        matrices = [value for key, value in self.weights.items() if is_matrix(key, value)]
        self.optimizers = [torch.optim.AdamW(rest, lr=options.lr, betas=(0.9, 0.99), weight_decay=0.0, fused=True)]
        if matrices:
            muon = torch.optim.Muon(matrices, lr=options.lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
            self.optimizers.append(muon)

    def progress(self):
        return max(self.seconds / (self.options.minutes * 60), self.step / self.options.steps)

    def learning_rate(self):
        progress = min(self.progress(), 1)
        warmup = min(max((self.step + 1) / max(self.options.warmup_steps, 1), 10 * progress), 1)
        return self.options.lr * warmup * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))

    def take_step(self, task):
        """Loss, and the gradients' L2 norm before clipping."""
        torch.manual_seed((self.options.seed << 32) + self.step + 1)
        rate, loss = self.learning_rate(), task.loss(self.weights)
        if not math.isfinite(loss.item()):
            sys.exit(f"the loss became {loss.item()} at step {self.step}: try a smaller --lr")
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0, foreach=True)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        decay = min(self.options.ema_decay, (1 + self.step) / (10 + self.step))
        values = [value.detach() for value in self.weights.values()]
        torch._foreach_lerp_(list(self.averages.values()), values, 1 - decay)
        self.step += 1
        return loss.item(), norm.item()

    def making(self):
        return {key: str(getattr(self.options, key)) for key in MAKING}

    def keep(self, path):
        state = {
            "making": self.making(), "step": self.step, "seconds": self.seconds, "averages": self.averages,
            "weights": {key: value.detach() for key, value in self.weights.items()},
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }  # fmt: skip
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def resume(self, path):
        state = torch.load(path)
        if state["making"] != self.making():
            sys.exit(f"{path} is of another training, {state['making']}: give its options, or another --out")
        self.step, self.seconds = state["step"], state["seconds"]
        for key, value in self.weights.items():
            value.data.copy_(state["weights"][key])
            self.averages[key].copy_(state["averages"][key])
        for optimizer, values in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(values)


def open_log(path, step):
    """For more lines; those of steps that were lost are left out."""
    lines = path.read_text().splitlines()[1:] if path.exists() else []
    lines = [HEADER] + [line for line in lines if int(line.split(",")[0]) <= step]
    path.write_text("\n".join(lines) + "\n")
    return path.open("a")


def train(options, task, write, save_every=300):
    """`write` is given the averages. Seconds between checkpoints."""
    trainer, path = Trainer(options, task.weights), options.out / "state.pt"
    options.out.mkdir(parents=True, exist_ok=True)
    if path.exists():
        trainer.resume(path)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(trainer, "is_stopped", True))

    def keep():
        write(trainer.averages)
        trainer.keep(path)

    with open_log(options.out / "log.csv", trainer.step) as log:
        before, begun = trainer.seconds, time.monotonic()
        saved = begun
        while trainer.progress() < 1 and not trainer.is_stopped:
            started, rate = time.monotonic(), trainer.learning_rate()
            loss, norm = trainer.take_step(task)
            now = time.monotonic()
            trainer.seconds = before + now - begun
            pace = options.batch_size / (now - started)
            print(f"{trainer.step},{trainer.seconds:.1f},{loss:.6f},{norm:.4f},{rate:.3e},{pace:.0f}", file=log)
            if trainer.step % 100 == 0:
                print(f"step {trainer.step}  loss {loss:.4f}  {pace:.0f} pictures/s", flush=True)
            if now - saved > save_every:
                keep()
                saved = now
    keep()


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    if options.part == "classifier":
        task, prefix = pictures.ClassifierTask(options), pictures.CLASSIFIER
        config, tensors, folder = None, {}, options.out / "classifier"
    else:
        config, tensors = read_json(Path(options.model) / "config.json"), read_tensors(options.model)
        kind, prefix = {
            "dit": (transformer.Task, transformer.PREFIX),
            "decoder": (pictures.DecoderTask, pictures.DECODER),
        }[options.part]
        task, folder = kind(options, config, tensors), options.out / "model"
    named = lambda averages: tensors | {prefix + key: value for key, value in averages.items()}
    train(options, task, lambda averages: write_tensors(folder, named(averages), config))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")

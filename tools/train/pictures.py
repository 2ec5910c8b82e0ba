"""Decoder and classifier in bfloat16: the twins of crates/train/src/{autoencoder,perceptual,classifier}.rs."""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from files import part, read_idx, read_json, read_labels, read_tensors

ENCODER, DECODER, CLASSIFIER = "autoencoder.encoder.layers.", "autoencoder.decoder.layers.", "classifier."
LOW = torch.bfloat16


def conv(w, name, x, stride=1):
    x = x.to(memory_format=torch.channels_last)
    weight = w[f"{name}.weight"].to(LOW).to(memory_format=torch.channels_last)
    bias = w.get(f"{name}.bias")
    return F.conv2d(x, weight, None if bias is None else bias.to(LOW), stride, 1)


class Coder:
    """A flat list of layers, as crates/core/src/autoencoder/tiny.rs has it. Pictures are in [−1, 1]."""

    def __init__(self, config):
        self.patch, self.magnitude = config.get("patch_size", 1), config["latent_magnitude"]
        self.encoder, self.decoder = config["num_encoder_blocks"], config["num_decoder_blocks"]

    def block(self, w, name, x):
        y = F.relu(conv(w, f"{name}.conv.2", F.relu(conv(w, f"{name}.conv.0", x))))
        return F.relu(conv(w, f"{name}.conv.4", y) + x)

    def encode(self, w, images):
        x, layer = F.pixel_unshuffle((images.to(LOW) + 1) / 2, self.patch), 0
        for stage, blocks in enumerate(self.encoder):
            x, layer = conv(w, f"{layer}", x, 2 if stage else 1), layer + 1
            for _ in range(blocks):
                x, layer = self.block(w, f"{layer}", x), layer + 1
        return conv(w, f"{layer}", x).float()

    def decode(self, w, z):
        x = ((z / self.magnitude).tanh() * self.magnitude).to(LOW)
        x, layer = F.relu(conv(w, "0", x)), 2
        for stage, blocks in enumerate(self.decoder):
            for _ in range(blocks):
                x, layer = self.block(w, f"{layer}", x), layer + 1
            if stage + 1 < len(self.decoder):
                x, layer = F.interpolate(x, scale_factor=2, mode="nearest"), layer + 1
                x, layer = conv(w, f"{layer}", x), layer + 1
        return F.pixel_shuffle(conv(w, f"{layer}", x).float(), self.patch) * 2 - 1


# Fashion-MNIST as it is published has no file that says so; crates/data/src/fashion.rs knows it, too.
FASHION = {"labels": [str(i) for i in range(10)], "mirror": True, "side": 32}


class Pictures:
    """Batches of a training set in [−1, 1], mirrored at random where the set says that it may be."""

    def __init__(self, options):
        folder = Path(options.data)
        if (folder / "dataset.json").exists():
            self.info, self.images = read_json(folder / "dataset.json"), read_idx(folder / "train-images-idx4-ubyte.gz")
        else:
            images = read_idx(folder / "train-images-idx3-ubyte.gz")
            margins = [FASHION["side"] - side for side in images.shape[:0:-1]]
            if min(margins) < 0:
                sys.exit(f"{folder}: pictures of {list(images.shape[1:])}, at most {FASHION['side']} a side fit")
            around = [part for margin in margins for part in (margin // 2, margin - margin // 2)]
            self.info, self.images = FASHION, F.pad(images, around)[:, None]
        self.labels, self.batch_size = read_labels(folder, len(self.info["labels"])), options.batch_size
        if len(self.images) != len(self.labels):
            sys.exit(f"{folder}: {len(self.images)} pictures, {len(self.labels)} labels")

    def draw(self):
        index = torch.randint(len(self.labels), (self.batch_size,))
        images = self.images[index].float() / 127.5 - 1
        if self.info["mirror"]:
            images = torch.where(torch.rand(len(index), 1, 1, 1) < 0.5, images.flip(3), images)
        return images, self.labels[index]


def feature_maps(w, images):
    """What each convolution of a classifier finds, after its ReLU."""
    found, x = [], images.to(LOW)
    for i in range(sum(key.startswith("convs.") and key.endswith("weight") for key in w)):
        if found:
            x = F.max_pool2d(x, 2)
        x = F.relu(conv(w, f"convs.{i}", x))
        found.append(x)
    return found


def lpips(w, found, wanted):
    """All channels weigh the same; the sum over the pictures."""
    unit = lambda x: x / (x.square().sum(1, keepdim=True) + 1e-6).sqrt()
    apart = lambda a, b: (unit(a.float()) - unit(b.float())).square().sum() / (a.shape[2] * a.shape[3])
    with torch.no_grad():
        wanted = feature_maps(w, wanted)
    return sum(apart(a, b) for a, b in zip(feature_maps(w, found), wanted))


class DecoderTask:
    """The decoder alone, on the latents of a frozen encoder with noise (of a deviation measured over the batch)."""

    def __init__(self, options, config, tensors):
        about = config.get("autoencoder") or {}
        if about.get("_class_name") != "AutoencoderTiny" or not about.get("num_encoder_blocks"):
            sys.exit(f"{options.model}: no AutoencoderTiny with an encoder")
        self.pictures, self.coder = Pictures(options), Coder(about)
        self.weights, self.encoder = part(tensors, DECODER), part(tensors, ENCODER)
        self.latent_noise, self.lpips_weight = options.latent_noise, options.perceptual_weight
        self.eye = part(read_tensors(options.perceptual), CLASSIFIER) if options.perceptual else None
        colours = {about["in_channels"], self.pictures.images.shape[1]}
        colours |= {self.eye["convs.0.weight"].shape[1]} if self.eye else set()
        if len(colours) > 1:
            sys.exit(f"{options.data}, {options.model}, --perceptual: pictures of {sorted(colours)} colours")
        self.error = torch.compile(self.error)

    def error(self, w, images):
        with torch.no_grad():
            z = self.coder.encode(self.encoder, images)
            z = z + torch.randn_like(z) * z.std((0, 2, 3), keepdim=True) * self.latent_noise
        decoded = self.coder.decode(w, z)
        loss = (decoded - images).square().mean()
        if self.eye:
            loss = loss + self.lpips_weight * lpips(self.eye, decoded, images) / len(images)
        return loss

    def loss(self, w):
        images, _ = self.pictures.draw()
        return self.error(w, images)


class ClassifierTask:
    """Names of pictures."""

    POOLED, FEATURES = 7, 64

    def __init__(self, options):
        self.pictures = Pictures(options)
        _, channels, side, _ = self.pictures.images.shape
        stages = next(i for i in range(20) if side >> i <= self.POOLED)
        widths = [channels] + [16 << min(stage, 2) for stage in range(stages)]
        modules = {f"convs.{i}": torch.nn.Conv2d(widths[i], widths[i + 1], 3) for i in range(stages)}
        modules["features"] = torch.nn.Linear(widths[-1] * (side >> stages) ** 2, self.FEATURES)
        modules["logits"] = torch.nn.Linear(self.FEATURES, len(self.pictures.info["labels"]))
        named = [(name, key, value) for name, module in modules.items() for key, value in module.named_parameters()]
        self.weights = {f"{name}.{key}": value.data for name, key, value in named}

    def loss(self, w):
        images, labels = self.pictures.draw()
        x = F.max_pool2d(feature_maps(w, images)[-1], 2).flatten(1).float()
        features = F.relu(F.linear(x, w["features.weight"], w["features.bias"]))
        return F.cross_entropy(F.linear(features, w["logits.weight"], w["logits.bias"]), labels, label_smoothing=0.05)

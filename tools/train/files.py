"""Model folders and data sets, as `dit` writes and reads them."""

import gzip
import hashlib
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import dit_torch

INDEX = "model.safetensors.index.json"


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_tensors(folder):
    """All tensors of a folder in float32; each shard has the hash that the index says."""
    folder, tensors = Path(folder), {}
    for name, about in read_json(folder / INDEX)["metadata"]["shards"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != about["sha256"]:
            sys.exit(f"{folder / name}: not what the index was made for")
        try:
            tensors |= {key: value.float() for key, value in dit_torch.read(folder / name).items()}
        except KeyError as dtype:
            sys.exit(f"{folder / name}: numbers of the type {dtype}: only 16 and 32 bits are trained")
    return tensors


def write_tensors(folder, tensors, config=None):
    """A folder that `dit` reads: shard, index and, of a model, the configuration. Each is complete or as it was."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors, name = {key: value.detach().contiguous() for key, value in tensors.items()}, "model.safetensors"
    shard = folder / f"{name}.new"
    dit_torch.write(shard, tensors)
    data = shard.read_bytes()
    total = sum(value.numel() * value.element_size() for value in tensors.values())
    shards = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}}
    index = {"metadata": {"total_size": total, "shards": shards}, "weight_map": {key: name for key in tensors}}
    shard.replace(folder / name)
    for name, value in [(INDEX, index)] + ([("config.json", config)] if config else []):
        new = folder / f"{name}.new"
        new.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(folder / name)


def part(tensors, prefix):
    """Those whose names begin so, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def read_idx(path):
    """The numbers of a gzipped IDX file of bytes."""
    raw = gzip.open(path).read()
    if raw[:3] != b"\0\0\x08":
        sys.exit(f"{path}: not an IDX file of bytes")
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape).copy())


def read_labels(folder, classes):
    path = Path(folder) / "train-labels-idx1-ubyte.gz"
    labels = read_idx(path).long()
    if labels.max() >= classes:
        sys.exit(f"{path}: label {labels.max()}, of {classes} classes")
    return labels

#!/usr/bin/env python3
"""Pitch and clarity of sounds, to check generated tones from outside. Needs nothing but Python.

For each WAV file (16 bits, one channel) the loudest 1024 samples after the attack: the lag of the largest normalised
autocorrelation is the period, its value (1: strictly periodic, 0: noise) the clarity.

    tools/pitch.py runs/tones/wav/*.wav
"""
import math
import sys
import wave

LENGTH, LOWEST, HIGHEST = 1024, 90.0, 1300.0


def read(path):
    with wave.open(path) as file:
        data = file.readframes(file.getnframes())
        rate = file.getframerate()
    return rate, [int.from_bytes(data[i : i + 2], "little", signed=True) / 32768 for i in range(0, len(data), 2)]


def loudest(sound, span):
    """Start of the stretch with the most energy, on a grid of 256 samples."""
    return max(range(0, len(sound) - span, 256), key=lambda at: sum(x * x for x in sound[at : at + span]))


def pitch(rate, sound):
    lags = range(int(rate / HIGHEST), int(rate / LOWEST) + 1)
    start = loudest(sound, LENGTH + lags[-1])
    part = sound[start : start + LENGTH + lags[-1]]
    here = part[:LENGTH]
    energy = sum(x * x for x in here)
    if energy < 1e-6:
        return 0.0, 0.0
    likeness = []
    for lag in lags:
        there = part[lag : lag + LENGTH]
        norm = math.sqrt(energy * sum(x * x for x in there)) or 1.0
        likeness.append(sum(a * b for a, b in zip(here, there)) / norm)
    most = max(likeness)
    # The first peak that is nearly as high: not twice the period. The slope down from lag 0 is no peak.
    for i in range(1, len(lags) - 1):
        if likeness[i] > 0.9 * most and likeness[i - 1] <= likeness[i] >= likeness[i + 1]:
            return rate / lags[i], likeness[i]
    return rate / lags[likeness.index(most)], most


if __name__ == "__main__":
    clarities = []
    for path in sys.argv[1:]:
        hz, clarity = pitch(*read(path))
        clarities.append(clarity)
        print(f"{path}: {hz:.0f} Hz, clarity {clarity:.2f}")
    if clarities:
        clarities.sort()
        print(f"{len(clarities)} sounds, median clarity {clarities[len(clarities) // 2]:.2f}")

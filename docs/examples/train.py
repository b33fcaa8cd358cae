"""Trains a small neural network to tell two spirals apart, with nothing but the standard library.

It saves its whole state (weights, momentum, epoch, random numbers), so that it can be stopped at any epoch and goes on
to the very same result: on SIGUSR1 or SIGTERM it saves and leaves with exit code 75 (EX_TEMPFAIL: "try again").
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import sys
import time

STOPPED = 75


def spirals(count: int, noise: float, rng: random.Random) -> list[tuple[float, float, float]]:
    """Points (x, y, class 0 or 1) on two interleaved spirals."""
    points = []
    for index in range(count):
        kind, turn = index % 2, 0.2 + 1.3 * index / count
        angle = 2 * math.pi * turn + math.pi * kind
        points.append((turn * math.cos(angle) + rng.gauss(0, noise), turn * math.sin(angle) + rng.gauss(0, noise), float(kind)))
    return points


class Network:
    """2 inputs -> `width` tanh units -> 1 logistic output, trained by stochastic gradient descent with momentum."""

    def __init__(self, width: int, rng: random.Random) -> None:
        self.units = [[rng.gauss(0, 1.5), rng.gauss(0, 1.5), rng.gauss(0, 1), rng.gauss(0, 0.3)] for _ in range(width)]
        self.speeds = [[0.0] * 4 for _ in range(width)]
        self.bias, self.bias_speed = 0.0, 0.0

    def predict(self, x: float, y: float) -> tuple[float, list[float]]:
        """The probability of class 1, and what the hidden units say."""
        hidden = [math.tanh(a * x + b * y + c) for a, b, c, _ in self.units]
        total = self.bias + sum(unit[3] * h for unit, h in zip(self.units, hidden))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total)))), hidden

    def learn(self, x: float, y: float, target: float, rate: float, decay: float) -> float:
        """One step down the gradient; the loss before it."""
        p, hidden = self.predict(x, y)
        error = p - target
        for unit, speed, h in zip(self.units, self.speeds, hidden):
            inner = error * unit[3] * (1 - h * h)
            for k, gradient in enumerate((inner * x, inner * y, inner, error * h)):
                speed[k] = 0.8 * speed[k] - rate * (gradient + decay * unit[k])
                unit[k] += speed[k]
        self.bias_speed = 0.8 * self.bias_speed - rate * error
        self.bias += self.bias_speed
        return -math.log(max(1e-12, p if target else 1 - p))


def accuracy(network: Network, points: list[tuple[float, float, float]]) -> float:
    return sum((network.predict(x, y)[0] > 0.5) == (t > 0.5) for x, y, t in points) / len(points)


def write_whole(path: str, state: object) -> None:
    """The file holds either what it held before or all of `state`, whenever the machine stops."""
    with open(path + ".new", "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def save(path: str, epoch: int, network: Network, rng: random.Random) -> None:
    write_whole(path, {"epoch": epoch, "network": vars(network), "rng": rng.getstate()})


def load(path: str, network: Network, rng: random.Random) -> int:
    """Puts the saved state back; the number of epochs that are done."""
    with open(path) as file:
        state = json.load(file)
    vars(network).update(state["network"])
    version, numbers, gauss = state["rng"]
    rng.setstate((version, tuple(numbers), gauss))
    return int(state["epoch"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--points", type=int, default=300)
    parser.add_argument("--width", type=int, default=12, help="hidden units")
    parser.add_argument("--rate", type=float, default=0.03, help="learning rate")
    parser.add_argument("--decay", type=float, default=0.0, help="weight decay")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--checkpoint", help="saved every ten epochs and when told to stop; read at the start if it exists")
    parser.add_argument("--result", help="a JSON file for the final numbers")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    told: list[str] = []
    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, lambda number, frame: told.append(signal.Signals(number).name))

    rng = random.Random(asked.seed)
    learned, unseen = spirals(asked.points, 0.06, rng), spirals(asked.points, 0.06, rng)
    network, done = Network(asked.width, rng), 0
    if asked.checkpoint and os.path.exists(asked.checkpoint):
        done = load(asked.checkpoint, network, rng)
        print(f"resumed after epoch {done} from {asked.checkpoint}", flush=True)

    began, loss = time.monotonic(), 0.0
    for epoch in range(done + 1, asked.epochs + 1):
        order = rng.sample(learned, len(learned))
        loss = sum(network.learn(x, y, t, asked.rate, asked.decay) for x, y, t in order) / len(order)
        if asked.checkpoint and (told or epoch % 10 == 0):
            save(asked.checkpoint, epoch, network, rng)
        if epoch % 25 == 0 or epoch == asked.epochs:
            print(f"epoch {epoch:4}/{asked.epochs}  loss {loss:.4f}  accuracy {accuracy(network, unseen):.3f}", flush=True)
        if told and epoch < asked.epochs:
            print(f"{told[0]}: stopping after epoch {epoch}", flush=True)
            return STOPPED

    score = accuracy(network, unseen)
    print(f"done: accuracy {score:.3f} on unseen points, {time.monotonic() - began:.1f} s in this attempt")
    if asked.result:
        write_whole(asked.result, {"rate": asked.rate, "width": asked.width, "accuracy": score, "loss": loss})
    return 0


if __name__ == "__main__":
    sys.exit(main())

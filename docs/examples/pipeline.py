"""The three stages of pipeline.sh: a year of electricity demand, one regression a season, and how well it forecasts."""

from __future__ import annotations

import csv
import json
import math
import random
import sys

SEASONS = ("winter", "spring", "summer", "autumn")
DAY, YEAR = 24, 365


def prepare() -> None:
    """Writes load.csv: hour of the year, temperature in °C, demand in MW."""
    rng, weather = random.Random(7), 0.0
    with open("load.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["hour", "temperature", "demand"])
        for hour in range(YEAR * DAY):
            weather = 0.98 * weather + rng.gauss(0, 0.8)
            warmth = 11 - 11 * math.cos(2 * math.pi * (hour / DAY - 20) / YEAR)
            temperature = warmth - 4 * math.cos(2 * math.pi * (hour % DAY - 3) / DAY) + weather
            habits = 900 - 160 * math.cos(2 * math.pi * (hour % DAY - 4) / DAY) + 60 * math.sin(4 * math.pi * hour / DAY)
            weekend = 0.88 if hour // DAY % 7 >= 5 else 1.0
            demand = habits * weekend + 0.9 * (temperature - 17) ** 2 + rng.gauss(0, 25)
            rows.writerow([hour, f"{temperature:.2f}", f"{demand:.1f}"])
    print(f"load.csv: {YEAR * DAY} hours")


def features(hour: int, temperature: float) -> list[float]:
    angle = 2 * math.pi * hour / DAY
    daily = [f(k * angle) for k in (1, 2, 3) for f in (math.sin, math.cos)]
    weekend = float(hour // DAY % 7 >= 5)
    return [1.0, temperature, temperature**2, weekend, *daily, *(weekend * d for d in daily)]


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The x with matrix x = right, by Gaussian elimination with row exchange."""
    rows = [[*row, value] for row, value in zip(matrix, right)]
    size = len(rows)
    for k in range(size):
        best = max(range(k, size), key=lambda i: abs(rows[i][k]))
        rows[k], rows[best] = rows[best], rows[k]
        for i in range(k + 1, size):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k])]
    x = [0.0] * size
    for k in reversed(range(size)):
        x[k] = (rows[k][size] - sum(rows[k][j] * x[j] for j in range(k + 1, size))) / rows[k][k]
    return x


def fit(season: int) -> None:
    """Learns from four days of five of the season, tries the fifth, and writes fit-<season>.json."""
    with open("load.csv", newline="") as file:
        hours = [(int(r["hour"]), float(r["temperature"]), float(r["demand"])) for r in csv.DictReader(file)]
    mine = [h for h in hours if (h[0] // DAY) * 4 // YEAR == season]
    learned = [h for h in mine if h[0] // DAY % 5 != 4]
    unseen = [h for h in mine if h[0] // DAY % 5 == 4]

    inputs = [features(hour, temperature) for hour, temperature, _ in learned]
    size = len(inputs[0])
    matrix = [[sum(x[i] * x[j] for x in inputs) + (0.001 if i == j else 0) for j in range(size)] for i in range(size)]
    weights = solve(matrix, [sum(x[i] * h[2] for x, h in zip(inputs, learned)) for i in range(size)])

    errors = []
    for hour, temperature, demand in unseen:
        forecast = sum(w * f for w, f in zip(weights, features(hour, temperature)))
        errors.append(abs(forecast - demand) / demand)
    error = 100 * sum(errors) / len(errors)
    with open(f"fit-{season}.json", "w") as out:
        json.dump({"season": SEASONS[season], "hours": len(learned), "error": error, "weights": weights}, out)
    print(f"{SEASONS[season]}: {len(learned)} hours learned, {error:.2f} % off on {len(unseen)} others")


def report() -> None:
    print("season  hours  mean error")
    fits = []
    for season in range(len(SEASONS)):
        with open(f"fit-{season}.json") as file:
            fits.append(json.load(file))
        print("{season:<7} {hours:>5}  {error:.2f} %".format(**fits[-1]))
    print(f"year           {sum(f['error'] for f in fits) / len(fits):.2f} %")


if __name__ == "__main__":
    stage, words = sys.argv[1], [int(word) for word in sys.argv[2:]]
    {"prepare": prepare, "fit": fit, "report": report}[stage](*words)

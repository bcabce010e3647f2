"""Minimise a function of a dozen numbers without its slope."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Cost = Callable[[Float[np.ndarray, "b n"]], Float[np.ndarray, " b"]]
"""The value of each row; lower is better."""


def evolved(
    cost: Cost,
    start: Float[np.ndarray, " n"],
    *,
    spread: float,
    generations: int,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, " n"], float]:
    """The best row found, never worse than the start, and its cost.

    Covariance matrix adaptation evolution strategy (Hansen 2016, "The CMA Evolution Strategy: A Tutorial", with its
    default settings), each generation in one call of the cost.

    Args:
        cost: what is minimised.
        start: where the search begins.
        spread: standard deviation of the first generation.
        generations: how many.
        rng: source of chance.
    """
    n = len(start)
    count = 4 + int(3 * np.log(n)) + 4
    half = count // 2
    weights = np.log(half + 0.5) - np.log(np.arange(1, half + 1))
    weights /= weights.sum()
    effective = 1.0 / float((weights**2).sum())
    sigma_rate = (effective + 2) / (n + effective + 5)
    damping = 1 + 2 * max(0.0, float(np.sqrt((effective - 1) / (n + 1))) - 1) + sigma_rate
    path_rate = (4 + effective / n) / (n + 4 + 2 * effective / n)
    rank_one = 2 / ((n + 1.3) ** 2 + effective)
    rank_many = min(1 - rank_one, 2 * (effective - 2 + 1 / effective) / ((n + 2) ** 2 + effective))
    usual_length = np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))
    mean, sigma, covariance = start.astype(np.float64), spread, np.eye(n)
    sigma_path, path = np.zeros(n), np.zeros(n)
    best, best_cost = mean.copy(), float(cost(mean[None])[0])
    for _ in range(generations):
        values, axes = np.linalg.eigh(covariance)
        scales = np.sqrt(np.maximum(values, 1e-12))
        steps = (rng.normal(size=(count, n)) * scales) @ axes.T
        rows = mean + sigma * steps
        costs = cost(rows)
        order = np.argsort(costs, kind="stable")
        if costs[order[0]] < best_cost:
            best, best_cost = rows[order[0]].copy(), float(costs[order[0]])
        chosen = steps[order[:half]]
        step = weights @ chosen
        mean = mean + sigma * step
        whitened = axes @ ((axes.T @ step) / scales)
        sigma_path = (1 - sigma_rate) * sigma_path + np.sqrt(sigma_rate * (2 - sigma_rate) * effective) * whitened
        path = (1 - path_rate) * path + np.sqrt(path_rate * (2 - path_rate) * effective) * step
        covariance = (
            (1 - rank_one - rank_many) * covariance
            + rank_one * np.outer(path, path)
            + rank_many * (chosen.T * weights) @ chosen
        )
        sigma *= float(np.exp(sigma_rate / damping * (np.linalg.norm(sigma_path) / usual_length - 1)))
    return best, best_cost

"""Covariances and weights by numpy: the published formulas, and all sets of bounds that may hold, one after another."""
import itertools
import json
import sys

import numpy as np


def shrunk(returns):
    """Ledoit's own code for the target of equal correlations (covCor), in numpy."""
    periods, assets = returns.shape
    x = returns - returns.mean(axis=0)
    sample = x.T @ x / periods
    variance = np.diag(sample)[:, None]
    deviation = np.sqrt(variance)
    alike = (np.sum(sample / (deviation @ deviation.T)) - assets) / (assets * (assets - 1))
    target = alike * deviation @ deviation.T
    target[np.diag_indices(assets)] = variance[:, 0]
    phi = (x**2).T @ (x**2) / periods - sample**2
    theta = (x**3).T @ x / periods - 2 * variance * sample + variance * sample
    np.fill_diagonal(theta, 0)
    rho = np.trace(phi) + alike * np.sum((1 / deviation) @ deviation.T * theta)
    gamma = np.sum((sample - target) ** 2)
    share = max(0.0, min(1.0, (np.sum(phi) - rho) / gamma / periods))
    return share * target + (1 - share) * sample, share


def cheapest(covariance, costs, cap):
    """The least of w'Cw/2 + costs'w over all sets of weights that are 0, at the cap, or between."""
    size = len(costs)
    best, found = np.inf, None
    for at in itertools.product((0, 1, 2), repeat=size):
        fixed = np.array([cap if place == 2 else 0.0 for place in at])
        free = [i for i, place in enumerate(at) if place == 1]
        left = 1 - fixed.sum()
        if not free and abs(left) > 1e-12:
            continue
        weights = fixed.copy()
        if free:
            count = len(free)
            system = np.zeros((count + 1, count + 1))
            system[:count, :count] = covariance[np.ix_(free, free)]
            system[:count, count] = system[count, :count] = 1
            right = np.append(-costs[free] - covariance[free] @ fixed, left)
            weights[free] = np.linalg.solve(system, right)[:count]
        if weights.min() < -1e-12 or weights.max() > cap + 1e-12:
            continue
        value = weights @ covariance @ weights / 2 + costs @ weights
        if value < best:
            best, found = value, weights
    return found


def parity(covariance):
    """Newton's method for the least of y'Cy/2 - sum(ln y)."""
    y = 1 / np.sqrt(np.diag(covariance))
    for _ in range(200):
        slope = covariance @ y - 1 / y
        step = np.linalg.solve(covariance + np.diag(1 / y**2), slope)
        length = 1.0
        while (y - length * step).min() <= 0:
            length /= 2
        y = y - length * step
    return y / y.sum()


def best_ratio(covariance, means, cap):
    """Of the way from least variance to highest return, in many steps."""
    scale = np.trace(covariance) / np.abs(means).sum()
    ways = [cheapest(covariance, -factor * scale * means, cap) for factor in np.geomspace(1e-3, 1e3, 60)]
    return max(float(w @ means / np.sqrt(w @ covariance @ w)) for w in ways)


def answer(case):
    returns, cap = np.array(case["returns"]), case["cap"]
    covariance, share = shrunk(returns)
    return {
        "covariance": covariance.tolist(),
        "shrinkage": share,
        "minimumVariance": cheapest(covariance, np.zeros(len(covariance)), cap).tolist(),
        "riskParity": parity(covariance).tolist(),
        "bestRatio": best_ratio(covariance, returns.mean(axis=0), cap),
    }


print(json.dumps([answer(case) for case in json.load(sys.stdin)]))

"""NumPy's side of ColideStep: iterations of CoLiDE with equal variances as the published code does them, written from the paper's
equations, on one thread.

    python3 bench/peers/colide.py 20

prints the microseconds of an iteration for an Erdos-Renyi graph with 20 nodes and 80 edges. With --serve it says its version, then
reads a number of iterations from each line of standard input and answers with the seconds that they took.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy.linalg as sla

ROWS, VARIANCE, LAMBDA, RATE, S, MU = 1000, 10.0, 0.05, 3e-4, 1.0, 1.0
BETA1, BETA2, EPSILON = 0.99, 0.999, 1e-8
STAGE = 1000


def data(d):
    """The covariance of a linear model on a random graph with 4 d edges."""
    rng = np.random.default_rng(0)
    edges = np.triu(rng.random((d, d)) < 8 / (d - 1), 1)
    w = edges * rng.uniform(0.5, 2, (d, d)) * rng.choice([-1, 1], (d, d))
    order = rng.permutation(d)
    w = w[np.ix_(order, order)]
    x = rng.normal(0, np.sqrt(VARIANCE), (ROWS, d)) @ np.linalg.inv(np.eye(d) - w)
    x -= x.mean(0)
    return x.T @ x / ROWS


def make(d):
    cov = data(d)
    identity = np.eye(d)

    def stage(iterations):
        """A stage from W = 0, cut after some iterations."""
        w = np.zeros((d, d))
        m, v = 0, 0
        sigma = np.min(np.sqrt(np.diag(cov)))
        rate = RATE
        for t in range(1, iterations + 1):
            inverse = sla.inv(S * identity - w * w) + 1e-16
            while np.any(inverse < -1e-6):
                if t == 1 or S <= 0.9:
                    return
                w += rate * step
                rate *= 0.5
                if rate <= 1e-16:
                    return
                w -= rate * step
                difference = identity - w
                sigma = np.sqrt(np.trace(difference.T @ cov @ difference) / d)
                inverse = sla.inv(S * identity - w * w) + 1e-16
            gradient = -MU * (cov @ (identity - w)) / sigma + MU * LAMBDA * np.sign(w) + 2 * w * inverse.T
            m = BETA1 * m + (1 - BETA1) * gradient
            v = BETA2 * v + (1 - BETA2) * gradient**2
            step = (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - BETA2**t)) + EPSILON)
            w -= rate * step
            difference = identity - w
            sigma = np.sqrt(np.trace(difference.T @ cov @ difference) / d)

    def run(iterations):
        start = time.perf_counter()
        for _ in range(iterations // STAGE):
            stage(STAGE)
        stage(iterations % STAGE)
        return time.perf_counter() - start

    return run


def main():
    run = make(int(sys.argv[1]))
    if "--serve" in sys.argv:
        print("NumPy " + np.__version__, flush=True)
        for line in sys.stdin:
            print(run(int(line)), flush=True)
    else:
        run(100)
        print(1e6 * run(1000) / 1000)


if __name__ == "__main__":
    main()

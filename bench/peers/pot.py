"""POT's side of TransportTimes and PartialTimes: one solve is one step.

    python3 bench/peers/pot.py sinkhorn:cost.npy:0.01:1e-6

prints the seconds of a solve and what it reached: the L1 error of the marginals, or the value. The variant is a method, a file
with the cost matrix, the regularisation and the tolerance:

    sinkhorn, sinkhorn_log    ot.sinkhorn
    emd                       ot.emd
    sparse                    the semi-dual with at most 5 entries per column by SciPy's L-BFGS-B and a sort of every column,
                              as POT has it since 0.9
    partial, partial32        ot.sinkhorn for labels of a part of the samples, in double and single precision; the part is
                              one more field

With --serve it says its version and what a first solve reached, then reads a number of solves from each line of standard input
and answers with the seconds they took.
"""

import sys
import time
import warnings

import numpy as np
import ot
from scipy.optimize import minimize

warnings.filterwarnings("ignore")


def error(a, b, plan):
    return np.abs(plan.sum(1) - a).sum() + np.abs(plan.sum(0) - b).sum()


def sparse_semi_dual(a, b, cost, gamma, tolerance, k=5):
    """max <alpha, a> - sum_j conj_j(alpha - c_j), with the k largest of each column projected onto the simplex."""
    columns = np.arange(cost.shape[1])

    def plan_of(alpha):
        scores = alpha[:, None] - cost
        rows = np.argsort(-scores, axis=0)[:k]
        top = scores[rows, columns] / gamma
        thresholds = (np.cumsum(top, axis=0) - b) / np.arange(1, k + 1)[:, None]
        support = np.sum(top > thresholds, axis=0)
        plan = np.zeros_like(cost)
        plan[rows, columns] = np.maximum(top - thresholds[support - 1, columns], 0)
        return plan, scores

    def negative(alpha):
        plan, scores = plan_of(alpha)
        value = alpha @ a - np.sum(plan * scores) + gamma / 2 * np.sum(plan * plan)
        return -value, plan.sum(1) - a

    result = minimize(negative, np.zeros(len(a)), jac=True, method="L-BFGS-B",
                      options={"gtol": tolerance, "ftol": 0, "maxiter": 500, "maxcor": 10})
    return plan_of(result.x)[0], -result.fun


def partial(cost, reg, tol, rho, dtype):
    """Samples to clusters of one size and a virtual cluster of cost 0, which takes 1 - rho."""
    n, k = cost.shape
    extended = np.concatenate([cost, np.zeros((n, 1))], axis=1).astype(dtype)
    a = np.full(n, 1 / n, dtype=dtype)
    b = np.append(np.full(k, rho / k), 1 - rho).astype(dtype)
    return lambda: ot.sinkhorn(a, b, extended, reg, stopThr=tol, numItermax=1000000), lambda plan: error(a, b, plan)


def make(variant):
    """A solve, and what its result has reached."""
    method, path, regularisation, tolerance, *rest = variant.split(":")
    cost = np.load(path)
    if method.startswith("partial"):
        return partial(cost, float(regularisation), float(tolerance), float(rest[0]),
                       np.float32 if method == "partial32" else np.float64)
    n, m = cost.shape
    a, b = np.ones(n) / n, np.ones(m) / m
    reg, tol = float(regularisation), float(tolerance)
    if method == "emd":
        return lambda: ot.emd(a, b, cost, numItermax=10**7), lambda plan: np.sum(plan * cost)
    if method == "sparse":
        return lambda: sparse_semi_dual(a, b, cost, reg, tol), lambda result: result[1]
    return (lambda: ot.sinkhorn(a, b, cost, reg, method=method, stopThr=tol, numItermax=1000000),
            lambda plan: error(a, b, plan))


def main():
    solve, reached = make(sys.argv[1])

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            result = solve()
        return time.perf_counter() - start, result

    seconds, result = run(1)
    if "--serve" in sys.argv:
        print("POT", ot.__version__, "reached", reached(result), flush=True)
        for line in sys.stdin:
            print(run(int(line))[0], flush=True)
    else:
        print(seconds, reached(result))


if __name__ == "__main__":
    main()

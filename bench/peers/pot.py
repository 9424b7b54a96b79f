"""POT's side of TransportTimes: one solve is one step.

    python3 bench/peers/pot.py sinkhorn:cost.npy:0.01:1e-6

prints the seconds of a solve and the L1 error of its marginals (which is computed in that time). The variant is a method (sinkhorn, sinkhorn_log, emd, or
sparse, the semi-dual with at most 5 entries per column by SciPy's L-BFGS-B and a sort of every column, as POT has it since
0.9), a file with the cost matrix, the regularisation and the tolerance. With --serve it says its version and what a first
solve reached: the error, or the dual value of the sparse one; then reads a number of solves from each line of standard input and answers with the seconds they took.
"""

import sys
import time
import warnings

import numpy as np
import ot
from scipy.optimize import minimize

warnings.filterwarnings("ignore")


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


def make(variant):
    method, path, regularisation, tolerance = variant.split(":")
    cost = np.load(path)
    n, m = cost.shape
    a, b = np.ones(n) / n, np.ones(m) / m
    reg, tol = float(regularisation), float(tolerance)
    if method == "emd":
        return lambda: np.sum(ot.emd(a, b, cost, numItermax=10**7) * cost)
    if method == "sparse":
        return lambda: sparse_semi_dual(a, b, cost, reg, tol)[1]

    def error(plan):
        return np.abs(plan.sum(1) - a).sum() + np.abs(plan.sum(0) - b).sum()

    return lambda: error(ot.sinkhorn(a, b, cost, reg, method=method, stopThr=tol, numItermax=1000000))


def main():
    solve = make(sys.argv[1])

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            reached = solve()
        return time.perf_counter() - start, reached

    seconds, reached = run(1)
    if "--serve" in sys.argv:
        print("POT", ot.__version__, "reached", reached, flush=True)
        for line in sys.stdin:
            print(run(int(line))[0], flush=True)
    else:
        print(seconds, reached)


if __name__ == "__main__":
    main()

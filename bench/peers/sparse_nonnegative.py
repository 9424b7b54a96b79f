"""The peers of BlockCoordinateSolve: min |A x - b|^2 / 2 + 0.05 sum x over x >= 0 to a relative gap of 1e-8, A 2000 x 10000 with one
entry in a hundred, one thread: scikit-learn's Lasso (coordinate descent on the sparse matrix) or SciPy's nnls (an active-set method,
on the dense matrix with one more row for the penalty).

    python3 bench/peers/sparse_nonnegative.py lasso

prints the microseconds of a solution. With --serve it says its version, then reads a number of solutions from each line of standard
input and answers with the seconds that they took.
"""

import os
import sys
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy
import scipy.optimize
import scipy.sparse
import sklearn
from sklearn.linear_model import Lasso

warnings.filterwarnings("ignore")
M, N, NONZERO, PENALTY, GAP = 2000, 10000, 200, 0.05, 1e-8


def problem():
    rng = np.random.default_rng(0)
    a = scipy.sparse.random(M, N, 0.01, "csc", random_state=0, data_rvs=rng.standard_normal) / np.sqrt(0.01 * M)
    x = np.zeros(N)
    x[rng.permutation(N)[:NONZERO]] = np.abs(rng.standard_normal(NONZERO))
    return a, a @ x + 0.01 * rng.standard_normal(M)


def make(variant):
    a, b = problem()

    def value(x):
        return 0.5 * np.sum((a @ x - b) ** 2) + PENALTY * x.sum()

    def lasso(tol):
        model = Lasso(alpha=PENALTY / M, fit_intercept=False, positive=True, tol=tol, max_iter=100000, selection="cyclic")
        return model.fit(a, b).coef_

    optimum = value(lasso(1e-15))
    if variant == "lasso":
        # The loosest tolerance that reaches the gap.
        tol = next(t for t in 10.0 ** -np.arange(3, 15, 0.25) if value(lasso(t)) - optimum <= GAP * optimum)
        solve = lambda: lasso(tol)
    else:
        # (e 1'x + p / e)^2 / 2 is p 1'x and a constant, but for e^2 (1'x)^2 / 2.
        e = 1e-5
        dense = np.vstack([a.toarray(), np.full((1, N), e)])
        right = np.append(b, -PENALTY / e)
        solve = lambda: scipy.optimize.nnls(dense, right)[0]
        gap = value(solve()) / optimum - 1
        assert gap <= GAP, gap

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            solve()
        return time.perf_counter() - start

    return run


def main():
    run = make(sys.argv[1])
    if "--serve" in sys.argv:
        print(f"scikit-learn {sklearn.__version__}" if sys.argv[1] == "lasso" else f"SciPy {scipy.__version__}", flush=True)
        for line in sys.stdin:
            print(run(int(line)), flush=True)
    else:
        print(1e6 * run(1))


if __name__ == "__main__":
    main()

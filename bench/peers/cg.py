"""SciPy's side of PoissonSolve: conjugate gradients on Poisson's equation in a box with an open top, one solve is one step.

    python3 bench/peers/cg.py 256x256:1e-8

prints the seconds of a solve. With --serve it says its version, then reads a number of solves from each line of standard
input and answers with the seconds that they took.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy
import scipy.sparse as sp
from scipy.sparse.linalg import cg


def line(n, open_low):
    diagonal = np.full(n, 2.0)
    diagonal[-1] = 1
    if not open_low:
        diagonal[0] = 1
    return sp.diags([np.full(n - 1, -1.0), diagonal, np.full(n - 1, -1.0)], [-1, 0, 1])


def matrix(sides):
    a = line(sides[0], True)
    for n in sides[1:]:
        a = sp.kron(a, sp.identity(n)) + sp.kron(sp.identity(a.shape[0]), line(n, False))
    return sp.csr_matrix(a)


def make(variant):
    grid, tolerance = variant.split(":")
    a = matrix([int(n) for n in grid.split("x")])
    i = np.arange(a.shape[0], dtype=np.int64)
    b = (i * 7919 % 10007) / 10007 - 0.5
    count = 0

    def callback(_):
        nonlocal count
        count += 1

    cg(a, b, tol=float(tolerance), callback=callback)
    print("SciPy's iterations:", count, file=sys.stderr, flush=True)
    return lambda: cg(a, b, tol=float(tolerance))


def main():
    solve = make(sys.argv[1])

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            solve()
        return time.perf_counter() - start

    if "--serve" in sys.argv:
        print("SciPy", scipy.__version__, flush=True)
        for text in sys.stdin:
            print(run(int(text)), flush=True)
    else:
        print(run(1))


if __name__ == "__main__":
    main()

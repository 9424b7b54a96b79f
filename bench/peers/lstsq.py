"""The LAPACK side of LeastSquares: the full least squares problem of a million rows and a hundred columns, one thread.

    python3 bench/peers/lstsq.py gelsd

prints the seconds of a solve; gelsd, gelsy are scipy.linalg.lstsq, torch-gelsy, torch-gelsd and torch-gels are torch.linalg.lstsq.
With --serve it says its version, then reads a number of solves from each line of standard input and answers with the seconds that
they took.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy.linalg
import torch

ROWS, COLUMNS = 1_000_000, 100


def make(variant):
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    a = rng.standard_normal((ROWS, COLUMNS))
    b = a @ np.ones(COLUMNS) + rng.standard_normal(ROWS)
    at, bt = torch.from_numpy(a), torch.from_numpy(b)[:, None]

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            if variant.startswith("torch-"):
                torch.linalg.lstsq(at, bt, driver=variant[len("torch-") :])
            else:
                scipy.linalg.lstsq(a, b, lapack_driver=variant, check_finite=False)
        return time.perf_counter() - start

    return run


def main():
    variant = sys.argv[1]
    run = make(variant)
    if "--serve" in sys.argv:
        print(f"{torch.__version__}, SciPy {scipy.__version__}", flush=True)
        for line in sys.stdin:
            print(run(int(line)), flush=True)
    else:
        print(run(1))


if __name__ == "__main__":
    main()

"""PyTorch's side of SubGmStep: the same sub-gradient steps by automatic differentiation of the absolute loss, in FLOAT64, one
thread, with 4000 Gaussian measurements of a matrix of side 64 (dense), or 200000 entries of one of side 1000 (entries).

    python3 bench/peers/subgm.py dense

prints the microseconds of a step. With --serve it says its version, then reads a number of steps from each line of standard
input and answers with the seconds that they took.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch

RATE = 1e-3


def make(variant):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    if variant == "dense":
        side, rank = 64, 64
        a = torch.randn(4000, side * side)

        def measure(u):
            return a @ (u @ u.T).reshape(-1)

    else:
        side, rank = 1000, 20
        rows, columns = torch.randint(side, (200000,)), torch.randint(side, (200000,))

        def measure(u):
            return (u[rows] * u[columns]).sum(1)

    truth = torch.randn(side, 3)
    y = measure(truth)
    u = (0.1 * torch.randn(side, rank)).requires_grad_()

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            loss = (measure(u) - y).abs().mean()
            (gradient,) = torch.autograd.grad(loss, u)
            with torch.no_grad():
                u.sub_(gradient, alpha=RATE)
        return time.perf_counter() - start

    return run


def main():
    run = make(sys.argv[1])
    if "--serve" in sys.argv:
        print(torch.__version__, flush=True)
        for line in sys.stdin:
            print(run(int(line)), flush=True)
    else:
        print(1e6 * run(5) / 5)


if __name__ == "__main__":
    main()

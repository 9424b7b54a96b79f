"""PyTorch's side of GrassmannStep: momentum, projection, geodesic by batched singular value decompositions, and QR after every
fifth step, for 1000 subspaces of dimension 8 in R^2048, one thread.

    python3 bench/peers/riemannian_sgd.py svd

prints the microseconds of a step. With --serve it says its version, then reads a number of steps from each line of standard
input and answers with the seconds that they took.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch

CLASSES, FEATURES, DIMENSION, RATE, MOMENTUM = 1000, 2048, 8, 1e-3, 0.9


def make():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    s = torch.linalg.qr(torch.randn(CLASSES, FEATURES, DIMENSION))[0]
    gradient = torch.randn_like(s)
    m = torch.zeros_like(s)
    done = 0

    def run(steps):
        nonlocal s, done
        start = time.perf_counter()
        for _ in range(steps):
            m.mul_(MOMENTUM).add_(gradient)
            g = m - s @ (s.mT @ m)
            u, sigma, vh = torch.linalg.svd(g, full_matrices=False)
            angle = (-RATE * sigma).unsqueeze(-2)
            s = ((s @ vh.mT) * angle.cos() + u * angle.sin()) @ vh
            done += 1
            if done % 5 == 0:
                q, r = torch.linalg.qr(s)
                s = q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
        return time.perf_counter() - start

    return run


def main():
    run = make()
    if "--serve" in sys.argv:
        print(torch.__version__, flush=True)
        for line in sys.stdin:
            print(run(int(line)), flush=True)
    else:
        print(1e6 * run(5) / 5)


if __name__ == "__main__":
    main()

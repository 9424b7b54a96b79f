"""PyTorch's side of AdamStep: training steps of a 784-256-10 perceptron, batch 128, one thread.

    python3 bench/peers/adam_mlp.py [default|foreach|fused]

prints the microseconds of a step. With --serve it says its version, then reads a number of steps
from each line of standard input and answers with the seconds that they took.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch
from torch import nn

BATCH, BATCHES = 128, 64


def make(variant):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    inputs = [torch.randn(BATCH, 784) for _ in range(BATCHES)]
    labels = [torch.randint(0, 10, (BATCH,)) for _ in range(BATCHES)]
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    criterion = nn.CrossEntropyLoss()
    options = {} if variant == "default" else {variant: True}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, **options)
    at = 0

    def run(steps):
        nonlocal at
        start = time.perf_counter()
        for _ in range(steps):
            batch = at % BATCHES
            at += 1
            optimizer.zero_grad(set_to_none=True)
            criterion(model(inputs[batch]), labels[batch]).backward()
            optimizer.step()
        return time.perf_counter() - start

    run(2)
    return run


def main():
    arguments = [a for a in sys.argv[1:] if a != "--serve"]
    variant = arguments[0] if arguments else "default"
    try:
        run = make(variant)
    except (RuntimeError, TypeError, ValueError, AssertionError) as e:
        print("no", variant, "in PyTorch", torch.__version__ + ":", str(e).splitlines()[0] if str(e) else type(e).__name__)
        return
    if "--serve" in sys.argv:
        print(torch.__version__, flush=True)
        for line in sys.stdin:
            print(run(int(line)), flush=True)
    else:
        run(200)
        print(f"PyTorch {torch.__version__} {variant}: {min(run(200) for _ in range(15)) / 200 * 1e6:.1f} us")


if __name__ == "__main__":
    main()

"""PyTorch's side of DcdmStep: training steps of the direction network (16 channels, batch 10), one thread.

    python3 bench/peers/dcdm.py 32x32

prints the microseconds of a step. With --serve it says its version, then reads a number of steps from each line of standard
input and answers with the seconds that they took.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch
from torch import nn
from torch.nn import functional as F

CHANNELS, BATCH, BATCHES = 16, 10, 16


class Net(nn.Module):
    def __init__(self, dimensions):
        super().__init__()
        conv = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.pool = F.avg_pool2d if dimensions == 2 else F.avg_pool3d
        self.first = conv(1, CHANNELS, 3, padding=1)
        self.fine, self.coarse, self.up = (
            nn.ModuleList(conv(CHANNELS, CHANNELS, 3, padding=1) for _ in range(n)) for n in (4, 6, 4))
        self.head = conv(CHANNELS, 1, 1)

    def forward(self, x):
        a = self.fine[0](self.first(x * (x.numel() / x.shape[0]) ** 0.5)).relu()
        b = self.fine[1](a).relu()
        a = self.fine[2](b).relu() + a
        b = self.fine[3](a).relu()
        p = self.pool(b, 2)
        for i in range(0, 6, 2):
            p = self.coarse[i + 1](self.coarse[i](p).relu()).relu() + p
        u = F.interpolate(p, scale_factor=2, mode="nearest") + b
        for i in range(0, 4, 2):
            u = self.up[i + 1](self.up[i](u).relu()).relu() + u
        return self.head(u)


def operator(sides):
    """The Laplacian of a box with an open top."""
    d = len(sides)
    kernel = torch.zeros((3,) * d)
    for axis in range(d):
        for end in (0, 2):
            kernel[tuple(end if k == axis else 1 for k in range(d))] = 1
    kernel = kernel[None, None]
    conv = F.conv2d if d == 2 else F.conv3d
    centre = conv(torch.ones(1, 1, *sides), kernel, padding=1)
    centre[:, :, 0] += 1
    return lambda x: centre * x - conv(x, kernel, padding=1)


def make(variant):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    sides = [int(n) for n in variant.split("x")]
    a = operator(sides)
    data = []
    for _ in range(BATCHES):
        b = torch.randn(BATCH, 1, *sides)
        data.append(b / b.flatten(1).norm(dim=1).view(-1, *[1] * (len(sides) + 1)))
    net = Net(len(sides))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    at = 0

    def run(steps):
        nonlocal at
        start = time.perf_counter()
        for _ in range(steps):
            b = data[at % BATCHES]
            at += 1
            optimizer.zero_grad(set_to_none=True)
            f = net(b)
            right, direction, product = b.flatten(1), f.flatten(1), a(f).flatten(1)
            alpha = (direction * right).sum(1, keepdim=True) / (direction * product).sum(1, keepdim=True)
            loss = (right - alpha * product).square().sum(1).mean()
            loss.item()
            loss.backward()
            optimizer.step()
        return time.perf_counter() - start

    run(2)
    return run


def main():
    run = make(sys.argv[1])
    if "--serve" in sys.argv:
        print(torch.__version__, flush=True)
        for text in sys.stdin:
            print(run(int(text)), flush=True)
    else:
        print(f"{run(20) / 20 * 1e6:.1f} us")


if __name__ == "__main__":
    main()

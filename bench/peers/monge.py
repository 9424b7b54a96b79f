"""PyTorch's side of MongeStep: a training step of a transport map with the Monge gap, n = 256 in the plane.

    python3 bench/peers/monge.py pot

prints the seconds of a step. The variant says what solves the three entropic problems of a step, without gradients and to the
same L1 marginal error as ours: "torch", log-sum-exp sweeps in double precision, the error looked at every ten (as ott-jax
does by default), or "pot", POT's ot.sinkhorn with a kernel in NumPy. Gradients are by the envelope theorem in both. With
--serve it says PyTorch's version, then reads a number of steps from each line of standard input and answers with the seconds
they took.
"""

import math
import sys
import time
import warnings

import numpy as np
import ot
import torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
N, D, TOLERANCE, MOST = 256, 2, 1e-3, 1000


def torch_plan(cost, eps):
    scaled = cost.double() / eps
    log_weight = -math.log(N)
    g = torch.zeros(N, dtype=torch.float64)
    for k in range(MOST):
        f = log_weight - torch.logsumexp(g[None, :] - scaled, 1)
        g = log_weight - torch.logsumexp(f[:, None] - scaled, 0)
        if k % 10 == 9:
            rows = torch.logsumexp(f[:, None] + g[None, :] - scaled, 1).exp()
            if (rows - 1 / N).abs().sum() < TOLERANCE:
                break
    return (f[:, None] + g[None, :] - scaled).exp().float()


def pot_plan(cost, eps):
    weights = np.full(N, 1 / N)
    # POT looks at the L2 error, every ten sweeps; of 256 like Gaussian errors the L1 norm is 12.8 times as large.
    plan = ot.sinkhorn(weights, weights, cost.double().numpy(), eps, numItermax=MOST, stopThr=TOLERANCE / 12.8)
    return torch.from_numpy(plan).float()


def squared(x, y):
    return (x[:, None, :] - y[None, :, :]).square().sum(-1)


def entropic(solve, x, y, eps):
    """A surrogate of the entropic cost: its gradient is that of the plan as a constant."""
    cost = squared(x, y)
    with torch.no_grad():
        plan = solve(cost, eps)
    return (plan * cost).sum()


def make(variant):
    solve = {"torch": torch_plan, "pot": pot_plan}[variant]
    torch.manual_seed(0)
    layers = []
    for a, b in [(D, 64), (64, 64), (64, 64)]:
        layers += [torch.nn.Linear(a, b), torch.nn.GELU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(64, D))
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    axes = torch.tensor([[1.2, 0.3], [0.3, 0.8]])

    def target():
        return torch.randn(N, D) @ axes + 1

    first = target()
    fit_eps = 0.1 * squared(first, first).mean().item()
    gap_eps = 0.01 * squared(torch.randn(N, D), first).mean().item()

    def step():
        x, y = torch.randn(N, D), target()
        mapped = network(x)
        fit = entropic(solve, mapped, y, fit_eps) - entropic(solve, mapped, mapped, fit_eps) / 2
        gap = (x - mapped).square().sum(1).mean() - entropic(solve, x, mapped, gap_eps)
        optimizer.zero_grad()
        (fit + gap).backward()
        optimizer.step()

    return step


def main():
    step = make(sys.argv[1])

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        return time.perf_counter() - start

    # Past the first, untypical plans of a map that has learnt nothing.
    run(100)
    if "--serve" in sys.argv:
        print(torch.__version__, flush=True)
        for line in sys.stdin:
            print(run(int(line)), flush=True)
    else:
        print(run(20) / 20)


if __name__ == "__main__":
    main()

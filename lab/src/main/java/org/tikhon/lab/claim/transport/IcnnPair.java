package org.tikhon.lab.claim.transport;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Module;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.Optimizer.Group;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.Sampler;

/**
 * The baseline for the squared distance: two input-convex networks f and g in
 *
 * <pre>max over f  min over g:  E_x [f(grad g(x)) - &lt;x, grad g(x)&gt;] - E_y f(y),</pre>
 *
 * whose map is {@code grad g}. Ten steps on g for one on f; f is kept convex by clipping its inner
 * weights at 0, g by a penalty on negative ones.
 *
 * <p>Both begin near {@code |x|^2 / 2}, the identity, whose weight they learn.
 *
 * <p>Source: Ashok Makkuva, Amirhossein Taghvaei, Sewoong Oh, Jason Lee, <i>Optimal Transport
 * Mapping via Input Convex Neural Networks</i>, ICML 2020.
 */
final class IcnnPair {
  private static final int INNER_STEPS = 10;
  private static final double NEGATIVE_PENALTY = 1;

  /** A convex function, {@code [n, d]} to {@code [n]}. */
  private static final class Icnn extends Module {
    private final List<Linear> direct = new ArrayList<>();
    private final List<Linear> inner = new ArrayList<>();
    private final Parameter quadratic;

    Icnn(int dimension, List<Integer> hidden, Rng rng) {
      List<Integer> sizes = new ArrayList<>(hidden);
      sizes.add(1);
      for (int k = 0; k < sizes.size(); k++) {
        direct.add(child("direct" + k, new Linear(dimension, sizes.get(k), rng)));
        if (k > 0) {
          Linear layer = new Linear(sizes.get(k - 1), sizes.get(k), false, rng);
          inner.add(child("inner" + k, layer));
        }
      }
      quadratic = parameter("quadratic", Tensor.ones(1));
      try (Autograd.NoGrad off = Autograd.noGrad()) {
        clip();
      }
    }

    @Override
    public Tensor forward(Tensor x) {
      Tensor z = Functional.elu(direct.getFirst().forward(x));
      for (int k = 1; k < direct.size(); k++) {
        Tensor sum = inner.get(k - 1).forward(z).add(direct.get(k).forward(x));
        z = k < direct.size() - 1 ? Functional.elu(sum) : sum;
      }
      return z.squeeze(1).add(x.square().sum(1).mul(quadratic.value()).div(2));
    }

    /** The gradient at each row. */
    Tensor gradient(Tensor x, boolean createGraph) {
      Tensor leaf = x.detach().setRequiresGrad(true);
      return Autograd.grad(forward(leaf).sum(), List.of(leaf), createGraph).getFirst();
    }

    void clip() {
      inner.forEach(layer -> layer.weight().clampMin_(0));
      quadratic.value().clampMin_(0);
    }

    /** The squared sum of what would be clipped. */
    Tensor negativeWeights() {
      return inner.stream()
          .map(layer -> layer.weight().clampMax(0).square().sum())
          .reduce(quadratic.value().clampMax(0).square().sum(), Tensor::add);
    }
  }

  private final Icnn f;
  private final Icnn g;
  private final Optimizer fSteps;
  private final Optimizer gSteps;
  private final Rng rng;

  IcnnPair(int dimension, List<Integer> hidden, double learningRate, long seed) {
    this.rng = new Rng(seed);
    this.f = new Icnn(dimension, hidden, rng);
    this.g = new Icnn(dimension, hidden, rng);
    this.fSteps = adam(f, learningRate);
    this.gSteps = adam(g, learningRate);
  }

  /** With the momenta of the paper's code. */
  private static Adam adam(Icnn network, double learningRate) {
    return new Adam(
        List.of(new Group(network.parameters(), learningRate, 0)), 0.5, 0.9, 1e-8, false);
  }

  /**
   * Trains for a time.
   *
   * @return the number of steps on f
   */
  int train(Sampler source, Sampler target, int batch, double seconds) {
    long start = System.nanoTime();
    int steps = 0;
    while ((System.nanoTime() - start) / 1e9 < seconds) {
      for (int k = 0; k < INNER_STEPS; k++) {
        try (Scope scope = Scope.open()) {
          stepOnG(source.draw(batch, rng));
        }
      }
      try (Scope scope = Scope.open()) {
        stepOnF(source.draw(batch, rng), target.draw(batch, rng));
      }
      steps++;
    }
    return steps;
  }

  private void stepOnG(Tensor x) {
    Tensor mapped = g.gradient(x, true);
    Tensor loss =
        f.forward(mapped)
            .sub(x.mul(mapped).sum(1))
            .mean()
            .add(g.negativeWeights().mul(NEGATIVE_PENALTY));
    gSteps.zeroGrad();
    loss.backward();
    gSteps.step();
  }

  private void stepOnF(Tensor x, Tensor y) {
    Tensor mapped = g.gradient(x, false).detach();
    Tensor loss = f.forward(y).mean().sub(f.forward(mapped).mean());
    fSteps.zeroGrad();
    loss.backward();
    fSteps.step();
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      f.clip();
    }
  }

  /** The images of points, {@code [n, d]}. */
  Tensor apply(Tensor x) {
    return g.gradient(x, false).detach();
  }
}

package org.tikhon.optimize;

import java.util.List;
import java.util.Map;
import org.tikhon.optim.Optimizer;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Orthogonal gradient: takes the direction that only scales the weights out of every gradient
 * before another optimiser uses it (Prieto et al. 2025, system 03). Per parameter tensor w with
 * gradient g:
 *
 * <pre>
 * g' = g - &lt;w, g&gt; / (&lt;w, w&gt; + 1e-30) w
 * g'' = g' |g| / (|g'| + 1e-30)
 * </pre>
 *
 * <p>A network that fits its training data lowers the loss by scaling its logits, which for a
 * homogeneous network is the direction of the weights; without it, it generalises. Momenta live in
 * the wrapped optimiser and see g''. Weight decay should be 0. A tensor that is zero, such as a
 * fresh bias, is left as it is; a gradient that is parallel to w up to rounding becomes zero (ours:
 * rescaling would blow up the rounding).
 *
 * <p>Two passes over memory for the products and one each for projection and scale, no temporary
 * copies. Schedules, groups, state and checkpoints are those of the wrapped optimiser.
 */
public final class PerpGrad implements Optimizer {
  private static final double EPSILON = 1e-30;

  private final Optimizer base;
  private final boolean rescale;

  /**
   * A wrapper.
   *
   * @param base takes the steps
   * @param rescale whether the projected gradient gets the length of the original, as in the
   *     official code; false is the paper's plain projection
   */
  public PerpGrad(Optimizer base, boolean rescale) {
    for (Tensor p : base.parameters()) {
      if (!p.dtype().isFloatingPoint()) {
        throw new IllegalArgumentException(
            "parameters must be floating-point numbers, one is " + p.dtype());
      }
    }
    this.base = base;
    this.rescale = rescale;
  }

  @Override
  public void step() {
    project();
    base.step();
  }

  /** Projects all gradients in place, as {@link #step} does first. */
  public void project() {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      for (Tensor w : base.parameters()) {
        if (w.grad() != null) {
          project(w.detach(), w.grad());
        }
      }
    }
  }

  private void project(Tensor w, Tensor g) {
    double ww = dot(w, w);
    double gg = dot(g, g);
    if (ww == 0 || gg == 0) {
      return;
    }
    g.add_(w, -dot(w, g) / (ww + EPSILON));
    double projected = Math.sqrt(dot(g, g));
    double length = Math.sqrt(gg);
    if (projected <= rounding(g.dtype()) * length) {
      g.fill_(0);
    } else if (rescale) {
      g.mul_(length / (projected + EPSILON));
    }
  }

  private static double dot(Tensor a, Tensor b) {
    return a.reshape(-1).dot(b.reshape(-1)).item();
  }

  /** Below this part of the length a difference of nearly equal vectors is noise. */
  private static double rounding(Dtype dtype) {
    return dtype == Dtype.FLOAT64 ? 1e-14 : dtype == Dtype.FLOAT32 ? 1e-6 : 1e-2;
  }

  @Override
  public List<Group> groups() {
    return base.groups();
  }

  @Override
  public long steps() {
    return base.steps();
  }

  @Override
  public Map<String, Tensor> state() {
    return base.state();
  }

  @Override
  public void load(Map<String, Tensor> state) {
    base.load(state);
  }
}

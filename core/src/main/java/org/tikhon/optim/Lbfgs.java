package org.tikhon.optim;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.function.Function;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Limited-memory BFGS with a line search that ends in the strong Wolfe conditions, for smooth
 * functions without noise (Nocedal and Wright, "Numerical Optimization", algorithms 7.4, 3.5 and
 * 3.6; c1 = 1e-4, c2 = 0.9). Not an {@link Optimizer}: it calls the function as often as it needs.
 * FLOAT64 is advised: in FLOAT32 the line search ends at the rounding of the function's values.
 */
public final class Lbfgs {
  private static final double C1 = 1e-4;
  private static final double C2 = 0.9;
  private static final double ROUNDING = 1e-13;
  private static final int MAX_TRIALS = 25;

  private Lbfgs() {}

  /**
   * When to stop.
   *
   * @param memory the number of pairs that approximate the Hessian, at least 1
   * @param maxIterations at least 1
   * @param gradientTolerance of the gradient's largest absolute entry, 0 or more
   */
  public record Options(int memory, int maxIterations, double gradientTolerance) {
    /** Ten pairs, 500 iterations, tolerance 1e-7. */
    public static final Options DEFAULT = new Options(10, 500, 1e-7);

    public Options {
      Check.require(memory >= 1, "memory", memory, "at least 1");
      Check.require(maxIterations >= 1, "maxIterations", maxIterations, "at least 1");
      Check.require(gradientTolerance >= 0, "gradientTolerance", gradientTolerance, "0 or more");
    }
  }

  /**
   * The last point.
   *
   * @param gradient the largest absolute entry of the gradient there
   * @param converged whether that is within the tolerance
   */
  public record Result(
      Tensor x, double value, double gradient, int iterations, boolean converged) {}

  /** A point with value and gradient. */
  private record Point(Tensor x, double value, Tensor gradient) {
    boolean isFinite() {
      return Double.isFinite(value) && Double.isFinite(size());
    }

    double size() {
      return gradient.abs().max().item();
    }

    double slope(Tensor direction) {
      return gradient.dot(direction).item();
    }

    void close() {
      x.close();
      gradient.close();
    }

    Point keep(Scope scope) {
      scope.keep(x);
      scope.keep(gradient);
      return this;
    }
  }

  /** A step s, the gradient's change y, and 1 / s^T y. */
  private record Pair(Tensor s, Tensor y, double rho) {
    void close() {
      s.close();
      y.close();
    }
  }

  /**
   * Minimises a function of a vector.
   *
   * @param function from a vector {@code [n]} to a scalar, differentiable
   * @param start {@code [n]}; is not changed
   * @throws IllegalArgumentException if value or gradient are not finite at the start
   */
  public static Result minimize(Function<Tensor, Tensor> function, Tensor start, Options options) {
    return minimizeWithGradient(byAutograd(function), Curvature.STRONG, start, options);
  }

  /** What a line search asks of the slope at its end, beside a decrease of the value. */
  public enum Curvature {
    /** The strong Wolfe condition: a small slope. For smooth functions. */
    STRONG,
    /**
     * The weak Wolfe condition: a slope that is no longer steeply down. Behind a kink it is steeply
     * up, and the step tells how much the gradient changes there (Lewis and Overton, "Nonsmooth
     * optimization via quasi-Newton methods", 2013).
     */
    WEAK
  }

  /** A function that computes its own gradient. */
  @FunctionalInterface
  public interface Objective {
    /** Value and gradient {@code [n]} at a point {@code [n]}. */
    Evaluation at(Tensor x);
  }

  /** What an {@link Objective} gives. */
  public record Evaluation(double value, Tensor gradient) {}

  private static Objective byAutograd(Function<Tensor, Tensor> function) {
    return x -> {
      Tensor variable = x.detach().setRequiresGrad(true);
      Tensor value = function.apply(variable);
      return new Evaluation(value.item(), Autograd.grad(value, variable));
    };
  }

  /**
   * Minimises a function of a vector by its gradient.
   *
   * @param curvature what ends a line search
   * @param start {@code [n]}; is not changed
   * @throws IllegalArgumentException if value or gradient are not finite at the start
   */
  public static Result minimizeWithGradient(
      Objective function, Curvature curvature, Tensor start, Options options) {
    if (start.dim() != 1) {
      throw new IllegalArgumentException(
          "start must be a vector, has " + start.dim() + " dimensions");
    }
    try (Scope scope = Scope.open()) {
      Point at = evaluate(function, start.detach().cloned());
      if (!at.isFinite()) {
        throw new IllegalArgumentException(
            "the function must be finite with a finite gradient at the start, its value is "
                + at.value);
      }
      Deque<Pair> pairs = new ArrayDeque<>();
      int iteration = 0;
      while (iteration < options.maxIterations && at.size() > options.gradientTolerance) {
        Point next = iterate(function, curvature, at, pairs);
        if (next == null && pairs.isEmpty()) {
          break;
        }
        if (next == null) {
          // Start again with steepest descent: the pairs may be worn out by rounding.
          pairs.forEach(Pair::close);
          pairs.clear();
          continue;
        }
        Tensor s = next.x.sub(at.x);
        Tensor y = next.gradient.sub(at.gradient);
        double sy = s.dot(y).item();
        if (sy > 1e-10 * y.dot(y).item()) {
          pairs.addLast(new Pair(s, y, 1 / sy));
        }
        if (pairs.size() > options.memory) {
          pairs.removeFirst().close();
        }
        at.close();
        at = next;
        iteration++;
      }
      double size = at.size();
      return new Result(
          scope.keep(at.x), at.value, size, iteration, size <= options.gradientTolerance);
    }
  }

  private static Point iterate(
      Objective function, Curvature curvature, Point at, Deque<Pair> pairs) {
    try (Scope scope = Scope.open()) {
      Tensor direction = direction(at.gradient, pairs);
      // The first step has no scale of its own: it may not change x by more than a unit.
      double length = pairs.isEmpty() ? Math.min(1, 1 / at.gradient.norm().item()) : 1;
      Point next = new LineSearch(function, curvature, at, direction).run(length);
      return next == null ? null : next.keep(scope);
    }
  }

  /** The two-loop recursion: minus the approximate inverse Hessian times the gradient. */
  private static Tensor direction(Tensor gradient, Deque<Pair> pairs) {
    Tensor q = gradient.cloned();
    double[] alpha = new double[pairs.size()];
    int i = pairs.size();
    for (Iterator<Pair> newest = pairs.descendingIterator(); newest.hasNext(); ) {
      Pair pair = newest.next();
      alpha[--i] = pair.rho * pair.s.dot(q).item();
      q.add_(pair.y, -alpha[i]);
    }
    if (!pairs.isEmpty()) {
      Pair last = pairs.getLast();
      q.mul_(1 / (last.rho * last.y.dot(last.y).item()));
    }
    for (Pair pair : pairs) {
      double beta = pair.rho * pair.y.dot(q).item();
      q.add_(pair.s, alpha[i++] - beta);
    }
    return q.neg();
  }

  private static Point evaluate(Objective function, Tensor x) {
    try (Scope scope = Scope.open()) {
      Evaluation at = function.at(x);
      return new Point(x, at.value, scope.keep(at.gradient));
    }
  }

  /** One search along a direction. */
  private static final class LineSearch {
    private final Objective function;
    private final Curvature curvature;
    private final Point start;
    private final Tensor direction;
    private final double slope;

    LineSearch(Objective function, Curvature curvature, Point start, Tensor direction) {
      this.function = function;
      this.curvature = curvature;
      this.start = start;
      this.direction = direction;
      this.slope = start.slope(direction);
    }

    /** A trial: step length, the point there, and the slope there. */
    private record Trial(double length, Point point, double slope) {}

    private Trial trial(double length) {
      Point point = evaluate(function, start.x.addScaled(direction, length));
      return new Trial(length, point, point.isFinite() ? point.slope(direction) : Double.NaN);
    }

    private boolean decreases(Trial t) {
      return t.point.isFinite() && t.point.value <= start.value + C1 * t.length * slope;
    }

    /**
     * Near a minimum the decrease drowns in the rounding of the values, while the slopes are still
     * exact: there the decrease is judged by them (Hager and Zhang's approximate Wolfe conditions).
     */
    private boolean meetsApproximateWolfe(Trial t) {
      return t.point.isFinite()
          && t.point.value <= start.value + ROUNDING * Math.abs(start.value)
          && t.slope <= (2 * C1 - 1) * slope
          && isFlat(t);
    }

    private boolean isFlat(Trial t) {
      return curvature == Curvature.STRONG
          ? Math.abs(t.slope) <= -C2 * slope
          : t.slope >= C2 * slope;
    }

    /** A point that meets the Wolfe conditions, or null if none was found. */
    Point run(double first) {
      if (!(slope < 0)) {
        return null;
      }
      Trial previous = new Trial(0, start, slope);
      double length = first;
      for (int i = 0; i < MAX_TRIALS; i++) {
        Trial t = trial(length);
        if (meetsApproximateWolfe(t)) {
          return t.point;
        }
        if (!decreases(t) || (i > 0 && t.point.value >= previous.point.value)) {
          return zoom(previous, t);
        }
        if (isFlat(t)) {
          return t.point;
        }
        if (t.slope >= 0) {
          return zoom(t, previous);
        }
        previous = t;
        length *= 2;
      }
      return previous.point;
    }

    /** Shrinks an interval whose end {@code low} is the better one. */
    private Point zoom(Trial low, Trial high) {
      for (int i = 0; i < MAX_TRIALS; i++) {
        Trial t = trial(between(low, high));
        if (meetsApproximateWolfe(t)) {
          return t.point;
        }
        if (!decreases(t) || t.point.value >= low.point.value) {
          high = t;
        } else {
          if (isFlat(t)) {
            return t.point;
          }
          if (t.slope * (high.length - low.length) >= 0) {
            high = low;
          }
          low = t;
        }
      }
      // The interval has shrunk to rounding; a decrease is progress all the same.
      return low.length > 0 ? low.point : null;
    }

    /** The minimum of the parabola through low's value and slope and high's value, kept inside. */
    private static double between(Trial low, Trial high) {
      double width = high.length - low.length;
      double curvature = high.point.value - low.point.value - low.slope * width;
      double step = -low.slope * width * width / (2 * curvature);
      double fraction = step / width;
      return low.length + width * (fraction >= 0.1 && fraction <= 0.9 ? fraction : 0.5);
    }
  }
}

package org.tikhon.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Entropic transport between two clouds of points with equal weights,
 *
 * <pre>W = min &lt;C, P&gt; - epsilon H(P),  H(P) = - sum_ij P_ij log P_ij,  C_ij = c(x_i, y_j),
 * </pre>
 *
 * and its gradient by the envelope theorem, {@code dW = sum_ij P_ij dC_ij}: the plan is a constant,
 * and nothing is differentiated through the iterations.
 *
 * @param value W, from the dual potentials: its error is of second order in that of the marginals,
 *     and its derivative at fixed potentials is exactly the plan
 * @param epsilon in units of the cost
 * @param solution with the plan
 * @param gradientX dW / dx, of the shape of x; zeros where no gradient is recorded
 * @param gradientY dW / dy, likewise
 */
record SampleTransport(
    double value, double epsilon, TransportSolution solution, Tensor gradientX, Tensor gradientY) {
  /** More entries than these are never in memory at once. */
  static final long LARGEST_MATRIX = 4096L * 4096;

  /**
   * When to stop.
   *
   * @param tolerance L1 error of the marginals, positive
   * @param maxSweeps at least 1
   */
  record Stopping(double tolerance, int maxSweeps) {
    /** What is precise enough for a training step. */
    static final Stopping ROUGH = new Stopping(1e-3, 1000);

    Stopping {
      if (!(tolerance > 0) || Double.isInfinite(tolerance)) {
        throw new IllegalArgumentException(
            "tolerance must be positive and finite, was " + tolerance);
      }
      if (maxSweeps < 1) {
        throw new IllegalArgumentException("maxSweeps must be at least 1, was " + maxSweeps);
      }
    }

    Sinkhorn solver(double epsilon, Sinkhorn.Mode mode) {
      return new Sinkhorn(1 / epsilon, mode).tolerance(tolerance).maxSweeps(maxSweeps);
    }
  }

  /**
   * Solves.
   *
   * @param x {@code [n, d]}
   * @param y {@code [m, d]}
   */
  static SampleTransport solve(
      GroundCost cost, Tensor x, Tensor y, Epsilon epsilon, Stopping stopping) {
    return solve(cost, x, y, epsilon, stopping, LARGEST_MATRIX);
  }

  static SampleTransport solve(
      GroundCost cost, Tensor x, Tensor y, Epsilon epsilon, Stopping stopping, long largestMatrix) {
    try (Scope scope = Scope.open()) {
      SampleTransport solved =
          x.size(0) * y.size(0) <= largestMatrix
              ? dense(cost, x, y, epsilon, stopping)
              : blocks(cost, x, y, epsilon, stopping, largestMatrix);
      scope.keep(List.of(solved.gradientX, solved.gradientY));
      return solved;
    }
  }

  /** {@code <x, dW / dx> + <y, dW / dy>} with constant factors: has the gradient of W. */
  Tensor surrogate(Tensor x, Tensor y) {
    return x.mul(gradientX).sum().add(y.mul(gradientY).sum());
  }

  private static SampleTransport dense(
      GroundCost cost, Tensor x, Tensor y, Epsilon epsilon, Stopping stopping) {
    boolean recorded = x.requiresGrad() || y.requiresGrad();
    Tensor from = x.detach().setRequiresGrad(recorded);
    Tensor to = y.detach().setRequiresGrad(recorded);
    Tensor matrix = costs(cost, from, to, 0);
    double eps = epsilon.of(matrix);
    TransportSolution solution =
        stopping
            .solver(eps, Sinkhorn.Mode.KERNEL)
            .solve(matrix.toDoubleRows(), equal(x.size(0)), equal(y.size(0)));
    if (!matrix.requiresGrad()) {
      return withoutGradient(x, y, eps, solution);
    }
    Tensor plan = Tensor.of(solution.dense()).to(matrix.dtype());
    List<Tensor> gradients = Autograd.vjp(matrix, List.of(from, to), plan, false);
    return new SampleTransport(
        dual(solution, eps), eps, solution, gradients.getFirst(), gradients.getLast());
  }

  private static SampleTransport withoutGradient(
      Tensor x, Tensor y, double epsilon, TransportSolution solution) {
    return new SampleTransport(
        dual(solution, epsilon), epsilon, solution, x.detach().zerosLike(), y.detach().zerosLike());
  }

  /** Computes costs in blocks of rows, again in each sweep and for the gradient. */
  private static SampleTransport blocks(
      GroundCost cost, Tensor x, Tensor y, Epsilon epsilon, Stopping stopping, long largestMatrix) {
    long n = x.size(0);
    long step = Math.max(1, largestMatrix / y.size(0) / 16);
    double eps = epsilonOfBlocks(cost, x.detach(), y.detach(), epsilon, step);
    TransportProblem problem =
        TransportProblem.of(x.toDoubleRows(), y.toDoubleRows(), cost, equal(n), equal(y.size(0)));
    TransportSolution solution = stopping.solver(eps, Sinkhorn.Mode.LOG).solve(problem);
    if (!x.requiresGrad() && !y.requiresGrad()) {
      return withoutGradient(x, y, eps, solution);
    }
    List<Tensor> gradientX = new ArrayList<>();
    Tensor gradientY = y.detach().zerosLike();
    for (long start = 0; start < n; start += step) {
      try (Scope scope = Scope.open()) {
        long end = Math.min(n, start + step);
        Tensor from = x.detach().slice(0, start, end).setRequiresGrad(true);
        Tensor to = y.detach().setRequiresGrad(true);
        Tensor matrix = costs(cost, from, to, start);
        if (!matrix.requiresGrad()) {
          return withoutGradient(x, y, eps, solution);
        }
        double[][] plan = new double[(int) (end - start)][];
        for (int i = 0; i < plan.length; i++) {
          plan[i] = solution.plan().row((int) start + i).clone();
        }
        List<Tensor> part =
            Autograd.vjp(matrix, List.of(from, to), Tensor.of(plan).to(matrix.dtype()), false);
        gradientX.add(scope.keep(part.getFirst()));
        gradientY.add_(part.getLast());
      }
    }
    return new SampleTransport(
        dual(solution, eps), eps, solution, Tensor.cat(gradientX, 0), gradientY);
  }

  /** A relative epsilon from the means of |C|, C and C^2 in blocks. */
  private static double epsilonOfBlocks(
      GroundCost cost, Tensor x, Tensor y, Epsilon epsilon, long step) {
    if (epsilon.scale() == Epsilon.Scale.ABSOLUTE) {
      return epsilon.factor();
    }
    long n = x.size(0);
    double absolute = 0;
    double sum = 0;
    double squares = 0;
    for (long start = 0; start < n; start += step) {
      try (Scope scope = Scope.open()) {
        Tensor block =
            costs(cost, x.slice(0, start, Math.min(n, start + step)), y, start).to(Dtype.FLOAT64);
        absolute += block.abs().sum().item();
        sum += block.sum().item();
        squares += block.square().sum().item();
      }
    }
    double entries = (double) n * y.size(0);
    double mean = sum / entries;
    double variance = Math.max(0, squares / entries - mean * mean);
    return epsilon.of(absolute / entries, Math.sqrt(variance));
  }

  /** {@code <r, u> + <c, v> - epsilon sum_ij P_ij}, a lower bound of W at any potentials. */
  private static double dual(TransportSolution solution, double epsilon) {
    return Arrays.stream(solution.x()).average().orElseThrow()
        + Arrays.stream(solution.y()).average().orElseThrow()
        - epsilon * solution.plan().mass();
  }

  /** The costs of all pairs, checked. */
  private static Tensor costs(GroundCost cost, Tensor x, Tensor y, long firstRow) {
    Tensor matrix = cost.pairwise(x, y);
    if (!Arrays.equals(matrix.shape(), new long[] {x.size(0), y.size(0)})) {
      throw new IllegalArgumentException(
          "cost %s must give shape [%d, %d], gave %s"
              .formatted(cost.name(), x.size(0), y.size(0), Arrays.toString(matrix.shape())));
    }
    if (!matrix.allFinite()) {
      long place = matrix.isFinite().logicalNot().flatten().to(Dtype.INT64).argmax(0).itemLong();
      throw new IllegalArgumentException(
          "cost %s of points %d and %d must be finite, was %s"
              .formatted(
                  cost.name(),
                  firstRow + place / y.size(0),
                  place % y.size(0),
                  matrix.flatten().get(place).item()));
    }
    return matrix;
  }

  private static double[] equal(long n) {
    double[] weights = new double[Math.toIntExact(n)];
    Arrays.fill(weights, 1.0 / n);
    return weights;
  }

  // ---- Checks that all users of samples share

  /** Refuses what is not a cloud of finite points. */
  static void checkPoints(String name, Tensor points, long least) {
    if (points.dim() != 2) {
      throw new IllegalArgumentException(
          "%s must have shape [n, d], has %s".formatted(name, Arrays.toString(points.shape())));
    }
    if (points.size(0) < least) {
      throw new IllegalArgumentException(
          "%s must have at least %d points, has %d".formatted(name, least, points.size(0)));
    }
    if (!points.dtype().isFloatingPoint()) {
      throw new IllegalArgumentException(
          "%s must be of a floating-point type, is %s".formatted(name, points.dtype()));
    }
    if (!points.allFinite()) {
      long place =
          points.detach().isFinite().logicalNot().flatten().to(Dtype.INT64).argmax(0).itemLong();
      throw new IllegalArgumentException(
          "%s[%d][%d] must be finite, was %s"
              .formatted(
                  name,
                  place / points.size(1),
                  place % points.size(1),
                  points.detach().flatten().get(place).item()));
    }
  }

  /** Refuses points of different dimension where the cost needs equal ones. */
  static void checkDimensions(GroundCost cost, String nameX, Tensor x, String nameY, Tensor y) {
    if (cost.needsEqualDimensions() && x.size(1) != y.size(1)) {
      throw new IllegalArgumentException(
          "%s has points of dimension %d, %s of dimension %d; the cost %s needs equal ones"
              .formatted(nameX, x.size(1), nameY, y.size(1), cost.name()));
    }
  }
}

package org.tikhon.loss;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.tensor.TensorException;

/**
 * An output layer {@code o = W h} with D classes whose exact gradient step costs {@code O(d^2 + d
 * m)} an example instead of {@code O(D d)}, for the losses of the spherical family (Vincent, de
 * Brébisson, Bouthillier 2015; system 18).
 *
 * <p>W is kept as {@code V U + 1 omega^T}, with V {@code [D, d]}, an invertible U {@code [d, d]}
 * and omega {@code [d]}. Kept exact beside them: {@code U^-T}, {@code Q = W^T W} and {@code w = W^T
 * 1}. From Q and w come the sums over all scores that the losses need; a step changes U, omega and
 * the targets' rows of V only. After it, W is what the dense step {@code W - eta G H^T} would have
 * made it, up to rounding.
 *
 * <p>Only plain gradient descent is possible for W; the layers below use any optimiser with the
 * gradient that {@link #step} returns. For a bias append a constant feature to h. Examples are rows
 * here, {@code h [m, d]}; the paper's H is its transpose.
 */
public final class FactoredSphericalLayer {
  private static final long BLOCK = 4096;
  private static final double MAX_CONDITION = 1e8;

  private final long classes;
  private final long d;
  private final Stability stability;
  private final Tensor v;
  private final Tensor u;
  private final Tensor uInverseT;
  private final Tensor omega;
  private final Tensor q;
  private final Tensor sumW;
  private long steps;

  /**
   * How U is kept well-conditioned: at every {@code period} steps, singular values outside [low,
   * high] are put back to 1, which leaves W unchanged.
   *
   * @param period in steps, at least 1
   * @param refresh whether Q and w are then computed anew from V, U and omega, {@code O(D d^2)}
   */
  public record Stability(int period, double low, double high, boolean refresh) {
    /** Every 100 steps, [0.5, 2], without refreshing. */
    public static final Stability DEFAULT = new Stability(100, 0.5, 2, false);

    /** Never. */
    public static final Stability NONE = new Stability(Integer.MAX_VALUE, 0.5, 2, false);

    public Stability {
      if (period < 1) {
        throw new IllegalArgumentException("period must be at least 1, was " + period);
      }
      if (!(low > 0 && low < 1 && high > 1)) {
        throw new IllegalArgumentException(
            "low must be in (0, 1) and high above 1, were " + low + " and " + high);
      }
    }
  }

  /**
   * A layer with given weights.
   *
   * @param w0 {@code [D, d]}, FLOAT32 or FLOAT64, D at least 2; is copied
   */
  public FactoredSphericalLayer(Tensor w0, Stability stability) {
    if (w0.dim() != 2) {
      throw new IllegalArgumentException("w0 must be [D, d], has " + w0.dim() + " dimensions");
    }
    this.classes = SphericalLoss.checkClasses(w0.size(0));
    this.d = w0.size(1);
    this.stability = stability;
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      v = w0.detach().cloned().escape();
      u = Tensor.eye(d, w0.dtype()).escape();
      uInverseT = Tensor.eye(d, w0.dtype()).escape();
      omega = Tensor.zeros(w0.dtype(), d).escape();
      q = v.mT().matmul(v).escape();
      sumW = v.sum(0).escape();
    }
  }

  /**
   * What a step gives.
   *
   * @param loss of each example before the step, {@code [m]}; with K targets the sum over them
   * @param gradH the gradient of the summed losses with respect to h, {@code [m, d]}
   */
  public record StepResult(Tensor loss, Tensor gradH) {}

  /**
   * A step of gradient descent on the sum of the examples' losses; W is changed.
   *
   * @param h {@code [m, d]}, finite
   * @param targets INT64 {@code [m]} or {@code [m, K]} in 0, ..., D - 1; may repeat
   * @param eta the learning rate, above 0; for a mean loss divide it by m
   * @throws ArithmeticException if the step makes U singular even after {@link #stabilise}
   */
  public StepResult step(Tensor h, Tensor targets, SphericalLoss loss, double eta) {
    check(h, targets);
    if (!(eta > 0) || Double.isInfinite(eta)) {
      throw new IllegalArgumentException("eta must be above 0, was " + eta);
    }
    StepResult result = tryStep(h, targets, loss, eta);
    if (result == null) {
      stabilise();
      result = tryStep(h, targets, loss, eta);
    }
    if (result == null) {
      throw new ArithmeticException("step size too large for the factored update: eta is " + eta);
    }
    steps++;
    if (steps % stability.period == 0) {
      stabilise();
    }
    return result;
  }

  /** Null, with nothing changed, if U would become singular. */
  private StepResult tryStep(Tensor input, Tensor targets, SphericalLoss loss, double eta) {
    try (Scope scope = Scope.open()) {
      Tensor h = input.detach();
      long m = h.size(0);
      Tensor c = targets.reshape(m, -1);
      long k = c.size(1);
      Tensor flatTargets = c.reshape(-1);

      // Forward: the three numbers that the loss sees.
      Tensor hq = h.matmul(q);
      Tensor gram = h.matmul(hq.mT());
      Tensor hu = h.matmul(u.mT());
      Tensor targetRows = v.indexSelect(0, flatTargets).view(m, k, d);
      Tensor a = targetRows.matmul(hu.unsqueeze(2)).squeeze(2).add(h.mv(omega).unsqueeze(1));
      Tensor s = h.mv(sumW).unsqueeze(1);
      Tensor squares = gram.diagonal().unsqueeze(1);

      Tensor losses = loss.value(a, s, squares, classes).sum(1);
      SphericalLoss.SphericalGrad g = loss.grad(a, s, squares, classes);
      Dtype dtype = h.dtype();
      Tensor ga = g.a().to(dtype);
      Tensor gs = g.s().to(dtype).squeeze(1);
      Tensor gq = g.q().to(dtype).squeeze(1);
      Tensor gaSum = ga.sum(1);

      // 1 to 3: Z, the gradient for the layers below, and B, all as rows.
      Tensor z =
          targetRows
              .mul(ga.unsqueeze(2))
              .sum(1)
              .matmul(u)
              .add(gaSum.outer(omega))
              .add(gs.outer(sumW));
      Tensor gradH = hq.mul(gq.unsqueeze(1)).mul(2).add(z);
      Tensor b = h.mul(gq.unsqueeze(1)).mul(2);

      // 5: U and its inverse by Woodbury's identity, before anything is changed.
      Tensor nextInverseT = nextInverse(h, b, eta);
      if (nextInverseT == null) {
        return null;
      }

      // 4: M = G^T G of the D x m gradient G, which is never formed.
      Tensor bz = b.matmul(z.mT());
      Tensor crossS = gs.outer(gaSum);
      Tensor gtg =
          gram.mul(gq.outer(gq))
              .mul(4)
              .add(gs.outer(gs).mul(classes))
              .add(sameTargets(flatTargets, ga, m, k))
              .add(crossS)
              .add(crossS.mT())
              .add(bz)
              .add(bz.mT());

      try (Autograd.NoGrad off = Autograd.noGrad()) {
        u.sub_(hu.mT().matmul(b).mul(eta));
        uInverseT.copy_(nextInverseT);
        // 6
        omega.sub_(h.mT().mv(gq.mul(2).mul(h.mv(omega)).add(gs)).mul(eta));
        // 7, with the new inverse; repeated targets add up.
        Tensor change = ga.unsqueeze(2).mul(h.matmul(uInverseT.mT()).unsqueeze(1)).mul(-eta);
        v.indexAdd_(0, flatTargets, change.reshape(-1, d));
        // 8
        Tensor gh = gradH.mT().matmul(h);
        q.sub_(gh.add(gh.mT()).mul(eta)).add_(h.mT().matmul(gtg).matmul(h).mul(eta * eta));
        // 9, with the old w in s
        Tensor weights = gq.mul(2).mul(s.squeeze(1)).add(gs.mul(classes)).add(gaSum);
        sumW.sub_(h.mT().mv(weights).mul(eta));
      }
      return new StepResult(scope.keep(losses), scope.keep(gradH));
    }
  }

  /** {@code U^-T} after the step, or null where it does not exist. */
  private Tensor nextInverse(Tensor h, Tensor b, double eta) {
    Tensor system = Tensor.eye(h.size(0), h.dtype()).sub(b.matmul(h.mT()).mul(eta));
    try {
      Tensor x = Linalg.solve(system, b.matmul(uInverseT.mT()));
      Tensor next = uInverseT.add(x.mT().matmul(h).mul(eta));
      double size = next.abs().max().item();
      return Double.isFinite(size) && size < MAX_CONDITION ? next : null;
    } catch (TensorException singular) {
      return null;
    }
  }

  /** {@code sum_kl ga_ik ga_jl [c_ik = c_jl]}, {@code [m, m]}. */
  private static Tensor sameTargets(Tensor flatTargets, Tensor ga, long m, long k) {
    Tensor flat = ga.reshape(-1);
    Tensor same = flatTargets.unsqueeze(1).eq(flatTargets.unsqueeze(0)).to(ga.dtype());
    Tensor products = same.mul(flat.outer(flat));
    return k == 1 ? products : products.view(m, k, m, k).sum(1, 3);
  }

  private void check(Tensor h, Tensor targets) {
    checkRows(h);
    if (targets.dim() < 1 || targets.dim() > 2 || targets.size(0) != h.size(0)) {
      throw new IllegalArgumentException(
          "targets must have the shape [%d] or [%d, K], was %s"
              .formatted(h.size(0), h.size(0), Arrays.toString(targets.shape())));
    }
    for (long c : targets.reshape(-1).toLongArray()) {
      if (c < 0 || c >= classes) {
        throw new IllegalArgumentException("target " + c + " outside 0.." + (classes - 1));
      }
    }
  }

  private void checkRows(Tensor h) {
    if (h.dim() != 2 || h.size(1) != d || h.size(0) == 0) {
      throw new IllegalArgumentException(
          "h must have the shape [m, %d] with at least one row, was %s"
              .formatted(d, Arrays.toString(h.shape())));
    }
    if (!h.detach().allFinite()) {
      throw new IllegalArgumentException("h is not finite everywhere");
    }
  }

  /** Weight decay: W becomes {@code (1 - eta lambda) W}. */
  public void weightDecay(double lambda, double eta) {
    double f = 1 - eta * lambda;
    if (!(lambda >= 0) || !(f > 0)) {
      throw new IllegalArgumentException(
          "lambda must be 0 or more and eta lambda below 1, were %s and %s"
              .formatted(lambda, eta * lambda));
    }
    u.mul_(f);
    uInverseT.mul_(1 / f);
    omega.mul_(f);
    q.mul_(f * f);
    sumW.mul_(f);
  }

  /** Puts singular values of U outside the range back to 1 without a change of W. */
  public void stabilise() {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Linalg.Svd svd = Linalg.svd(u.to(Dtype.FLOAT64));
      double[] sigma = svd.s().toDoubleArray();
      long[] offenders = offenders(sigma);
      if (offenders.length > d / 3.0) {
        unfactorise();
      } else if (offenders.length > 0) {
        Tensor places = Tensor.of(offenders, offenders.length);
        Tensor left = svd.u().indexSelect(1, places);
        Tensor s = svd.s().indexSelect(0, places);
        // alpha = (1 - s) / s turns s into 1; beta = -alpha / (1 + alpha) = s - 1 undoes it in V.
        Tensor alpha = s.reciprocal().sub(1);
        Tensor wide = u.to(Dtype.FLOAT64);
        u.copy_(wide.add(left.mul(alpha).matmul(left.mT().matmul(wide))).to(u.dtype()));
        addProjection(left.to(v.dtype()), s.sub(1).to(v.dtype()));
      }
      uInverseT.copy_(Linalg.inv(u.to(Dtype.FLOAT64)).mT().to(u.dtype()));
      if (stability.refresh) {
        refresh();
      }
    }
  }

  private long[] offenders(double[] sigma) {
    return LongStream.range(0, sigma.length)
        .filter(i -> sigma[(int) i] < stability.low || sigma[(int) i] > stability.high)
        .toArray();
  }

  /** {@code V + (V left) diag(beta) left^T}, a block of rows at a time. */
  private void addProjection(Tensor left, Tensor beta) {
    for (long start = 0; start < classes; start += BLOCK) {
      try (Scope scope = Scope.open()) {
        Tensor rows = v.slice(0, start, Math.min(start + BLOCK, classes));
        rows.add_(rows.matmul(left).mul(beta).matmul(left.mT()));
      }
    }
  }

  /** V becomes W, U the identity and omega zero. */
  private void unfactorise() {
    for (long start = 0; start < classes; start += BLOCK) {
      try (Scope scope = Scope.open()) {
        Tensor rows = v.slice(0, start, Math.min(start + BLOCK, classes));
        rows.copy_(rows.matmul(u).add(omega));
      }
    }
    u.copy_(Tensor.eye(d, u.dtype()));
    omega.fill_(0);
  }

  /** Q and w from V, U and omega. */
  private void refresh() {
    Exact exact = exact();
    q.copy_(exact.q.to(q.dtype()));
    sumW.copy_(exact.sumW.to(q.dtype()));
  }

  private record Exact(Tensor q, Tensor sumW) {}

  /** {@code W^T W} and {@code W^T 1} in FLOAT64, a block of rows at a time. */
  private Exact exact() {
    Tensor exactQ = Tensor.zeros(Dtype.FLOAT64, d, d);
    Tensor exactSum = Tensor.zeros(Dtype.FLOAT64, d);
    for (long start = 0; start < classes; start += BLOCK) {
      try (Scope scope = Scope.open()) {
        Tensor w = rows(start, Math.min(start + BLOCK, classes)).to(Dtype.FLOAT64);
        exactQ.add_(w.mT().matmul(w));
        exactSum.add_(w.sum(0));
      }
    }
    return new Exact(exactQ, exactSum);
  }

  private Tensor rows(long start, long end) {
    return v.slice(0, start, end).matmul(u).add(omega);
  }

  /**
   * How far rounding has moved what is kept beside W.
   *
   * @param inverse the largest entry of {@code |U U^-1 - I|}
   * @param gram the largest entry of {@code |Q - W^T W|}, relative to the largest of {@code W^T W}
   * @param sum the largest entry of {@code |w - W^T 1|}, relative to the largest of {@code W^T 1}
   * @param condition of U
   */
  public record Drift(double inverse, double gram, double sum, double condition) {}

  /** Measures the drift, in {@code O(D d^2)}. */
  public Drift drift() {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor wide = u.to(Dtype.FLOAT64);
      Tensor inverse =
          wide.matmul(uInverseT.mT().to(Dtype.FLOAT64)).sub(Tensor.eye(d, Dtype.FLOAT64));
      Exact exact = exact();
      return new Drift(
          inverse.abs().max().item(),
          relative(q, exact.q),
          relative(sumW, exact.sumW),
          Linalg.cond(wide).item());
    }
  }

  private static double relative(Tensor kept, Tensor exact) {
    double error = kept.to(Dtype.FLOAT64).sub(exact).abs().max().item();
    return error / Math.max(Double.MIN_NORMAL, exact.abs().max().item());
  }

  /** All scores, {@code [m, D]}: {@code O(D d)} an example, never needed in training. */
  public Tensor scores(Tensor h) {
    checkRows(h);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor o = h.matmul(u.mT()).matmul(v.mT()).add(h.mv(omega).unsqueeze(1));
      return scope.keep(o);
    }
  }

  /** The k largest scores and their classes, {@code [m, k]} each. */
  public Tensor.Indexed topK(Tensor h, int k) {
    if (k < 1 || k > classes) {
      throw new IllegalArgumentException("k must be in 1..%d, was %d".formatted(classes, k));
    }
    try (Scope scope = Scope.open()) {
      Tensor.Indexed top = scores(h).topk(k, 1, true);
      return new Tensor.Indexed(scope.keep(top.values()), scope.keep(top.indices()));
    }
  }

  /** The weights W, {@code [D, d]}. */
  public Tensor materialise() {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      return scope.keep(rows(0, classes));
    }
  }

  /** D. */
  public long classes() {
    return classes;
  }

  /** {@code W^T W} as kept, {@code [d, d]}; for tests of the bookkeeping. */
  Tensor gram() {
    return q;
  }

  /** {@code W^T 1} as kept, {@code [d]}. */
  Tensor sum() {
    return sumW;
  }
}

package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** Projections onto vectors with few entries. */
public final class SparseProjection {
  private SparseProjection() {}

  /**
   * Projects onto the vectors that are not negative, have a given sum and at most k entries that
   * are not zero: the k largest entries, less a common threshold, cut at 0.
   *
   * <pre>
   * p_i = max(v_i - theta, 0)  for i in top_k(v),  otherwise 0,  sum p = mass.
   * </pre>
   *
   * <p>Differentiable: with q entries in the support, the Jacobian there is {@code I - 1 1' / q}.
   * Of equal entries the first is taken. Costs one selection of k + 1 entries, never a sort.
   *
   * <p>Source: Kyrillidis, Becker, Cevher and Koch, "Sparse projections onto the simplex", 2013.
   *
   * @param v floating point, any shape
   * @param k at least 1; more than the dimension's length is no bound
   * @param mass positive
   * @param dim along which, negative from the end
   * @return in the shape of v
   * @throws IllegalArgumentException if one of the k largest entries is not finite
   */
  public static Tensor simplex(Tensor v, int k, double mass, int dim) {
    if (k < 1) {
      throw new IllegalArgumentException("k must be at least 1, was " + k);
    }
    if (!(mass > 0) || Double.isInfinite(mass)) {
      throw new IllegalArgumentException("mass must be positive and finite, was " + mass);
    }
    if (dim < -v.dim() || dim >= v.dim() || v.numel() == 0) {
      throw new IllegalArgumentException(
          "dim must be a dimension of v, and v not empty; were %d and shape %s"
              .formatted(dim, Arrays.toString(v.shape())));
    }
    try (Scope scope = Scope.open()) {
      Tensor last = v.transpose(dim, -1);
      Tensor rows = last.reshape(-1, v.size(dim));
      Tensor p = rows(rows, (int) Math.min(k, v.size(dim)), mass);
      return scope.keep(p.reshape(last.shape()).transpose(dim, -1));
    }
  }

  private static Tensor rows(Tensor v, int k, double mass) {
    Tensor.Indexed largest = largest(v, k);
    Tensor top = largest.values();
    // The projection does not change if all entries are shifted; near zero they are exact.
    Tensor u = top.sub(top.detach().slice(1, 0, 1));
    Tensor excess = u.cumsum(1).sub(mass);
    Tensor count = Tensor.arange(1, k + 1).to(v.dtype()).to(v.device());
    Tensor support = u.detach().mul(count).gt(excess.detach()).sumKeep(1);
    Tensor threshold = excess.gather(1, support.sub(1)).div(support.to(v.dtype()));
    Tensor p = u.sub(threshold).relu();
    return v.detach().zerosLike().scatter_(1, largest.indices(), p);
  }

  /** The k largest entries of each row, of equal ones the first. */
  private static Tensor.Indexed largest(Tensor v, int k) {
    int more = (int) Math.min(k + 1, v.size(1));
    Tensor.Indexed top = v.topk(more, 1, true);
    Tensor values = top.values().slice(1, 0, k);
    if (!values.allFinite()) {
      throw new IllegalArgumentException("v must be finite in its k largest entries");
    }
    Tensor index = top.indices().slice(1, 0, k);
    if (more == k) {
      return new Tensor.Indexed(values, index);
    }
    // Only where the k-th entry equals the next does the selection depend on the order.
    Tensor all = top.values().detach();
    Tensor tied = all.select(1, k - 1).eq(all.select(1, k)).nonzero().reshape(-1);
    if (tied.numel() == 0) {
      return new Tensor.Indexed(values, index);
    }
    Tensor sorted = v.detach().indexSelect(0, tied).sort(1, true).indices().slice(1, 0, k);
    Tensor first = index.contiguous().indexCopy(0, tied, sorted.contiguous());
    return new Tensor.Indexed(v.gather(1, first), first);
  }
}

package org.tikhon.optimize;

import java.util.List;
import org.tikhon.tensor.Rng;

/**
 * Which block {@link BlockCoordinateDescent} updates next. Below, g is the gradient (with a
 * regulariser its smallest sub-gradient), b a block of a fixed {@link Partition}, tau the size of a
 * variable block, whose best choice is what stands after "variable".
 */
public sealed interface Selection {
  /** Any block alike; variable: tau random coordinates. */
  record RandomRule(Rng rng) implements Selection {}

  /** One block after another; variable: a random permutation in pieces of tau, then another. */
  record Cyclic(Rng rng) implements Selection {}

  /** Block b with probability in proportion to L_b; variable: tau coordinates, to L_i. */
  record LipschitzSampling(Rng rng) implements Selection {}

  /** Gauss-Southwell: the largest {@code |g_b|^2}; variable: the tau largest {@code |g_i|}. */
  record GS() implements Selection {}

  /**
   * Gauss-Southwell-Lipschitz: the largest {@code |g_b|^2 / L_b}; variable: the tau largest {@code
   * |g_i| / sqrt(L_i)}. The one to choose.
   */
  record GSL() implements Selection {}

  /**
   * Diagonal: the largest {@code sum_i g_i^2 / D_i} with {@code D_i = sum_j |H_ij|}, j in the
   * block; variable: the tau largest {@code |g_i| / sqrt(D_i)}, j everywhere.
   */
  record GSD() implements Selection {}

  /**
   * Quadratic: the largest {@code g_b' H_b^-1 g_b}, which guarantees the most. For fixed blocks;
   * for variable ones it is NP-hard, see {@link IHT}.
   */
  record GSQ() implements Selection {}

  /**
   * GSQ for variable blocks by iterative hard thresholding: {@code d <- the tau largest of d - (g +
   * H d) / lambda_max(H)}, from 0. Where the L_i differ much, the first support, that of {@link
   * GS}, stays; then {@link GSL} is better.
   *
   * @param iterations at least 1; 10 unless told otherwise
   */
  record IHT(int iterations) implements Selection {
    public IHT {
      Check.require(iterations >= 1, "iterations", iterations, "at least 1");
    }

    public IHT() {
      this(10);
    }
  }

  /**
   * For regularisers: each coordinate's proximal step d_i with step 1 / L_i promises {@code g_i d_i
   * + L_i d_i^2 / 2 + r(x_i + d_i) - r(x_i)}; the block with the smallest sum, variable: the tau
   * smallest.
   */
  record GSqProx() implements Selection {}

  /**
   * The coordinates in an order, each taken if the block stays a forest: variable blocks of about
   * two thirds of all coordinates, for a {@link SparseQuadratic}.
   *
   * @param order how they are ordered
   * @param rng for {@link Order#RANDOM}, otherwise null
   */
  record GreedyTree(Order order, Rng rng) implements Selection {
    public GreedyTree {
      Check.require(
          (order == Order.RANDOM) == (rng != null), "rng", rng, "given for a random order only");
    }

    /** By |g_i| / sqrt(L_i). */
    public GreedyTree() {
      this(Order.GSL, null);
    }

    /** How the coordinates are ordered. */
    public enum Order {
      /** By |g_i|. */
      GS,
      /** By |g_i| / sqrt(L_i). */
      GSL,
      /** At random. */
      RANDOM
    }
  }

  /**
   * These blocks, one after another, and again.
   *
   * @param blocks not empty, each of different coordinates
   */
  record FixedSequence(List<int[]> blocks) implements Selection {
    public FixedSequence {
      blocks = List.copyOf(blocks);
      Check.require(!blocks.isEmpty(), "blocks", blocks, "at least one");
    }
  }
}

package org.tikhon.solve;

import java.util.Arrays;

/**
 * The null space of a matrix that is a sum of Laplacians of connected components: the constant
 * vector on each component that is tied to no fixed value. An unknown without an equation is a
 * component of its own.
 */
final class NullSpace {
  private static final int REGULAR = -1;

  /** The number of each unknown's singular component, or REGULAR. */
  private final int[] component;

  private final int[] sizes;

  private NullSpace(int[] component, int[] sizes) {
    this.component = component;
    this.sizes = sizes;
  }

  /** Joins unknowns; then {@link #nullSpace} tells what is left free. */
  static final class Builder {
    private final int[] parent;
    private final boolean[] fixed;

    Builder(int size) {
      parent = new int[size];
      Arrays.setAll(parent, i -> i);
      fixed = new boolean[size];
    }

    private int root(int i) {
      int at = i;
      while (parent[at] != at) {
        parent[at] = parent[parent[at]];
        at = parent[at];
      }
      return at;
    }

    void join(int i, int j) {
      int a = root(i);
      int b = root(j);
      if (a != b) {
        parent[Math.max(a, b)] = Math.min(a, b);
        fixed[Math.min(a, b)] |= fixed[Math.max(a, b)];
      }
    }

    /** Ties an unknown, and so its component, to a value. */
    void fix(int i) {
      fixed[root(i)] = true;
    }

    NullSpace nullSpace() {
      int n = parent.length;
      int[] component = new int[n];
      int[] sizes = new int[n];
      int count = 0;
      // A root has the smallest number of its component, so it is met first.
      for (int i = 0; i < n; i++) {
        int root = root(i);
        component[i] = fixed[root] ? REGULAR : root == i ? count++ : component[root];
        if (component[i] != REGULAR) {
          sizes[component[i]]++;
        }
      }
      return new NullSpace(component, Arrays.copyOf(sizes, count));
    }
  }

  /** The dimension of the null space. */
  int dimension() {
    return sizes.length;
  }

  /** Subtracts the mean over each singular component. */
  void project(double[] v) {
    if (sizes.length == 0) {
      return;
    }
    double[] means = new double[sizes.length];
    for (int i = 0; i < v.length; i++) {
      if (component[i] != REGULAR) {
        means[component[i]] += v[i];
      }
    }
    Arrays.setAll(means, c -> means[c] / sizes[c]);
    for (int i = 0; i < v.length; i++) {
      if (component[i] != REGULAR) {
        v[i] -= means[component[i]];
      }
    }
  }
}

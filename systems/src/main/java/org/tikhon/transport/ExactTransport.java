package org.tikhon.transport;

import java.util.Arrays;
import java.util.List;

/**
 * Transport without regularisation, solved exactly: the reference for small problems.
 *
 * <p>Successive shortest augmenting paths (the Hungarian method with masses; for equal numbers of
 * equal weights it is linear assignment): each row's mass goes out along shortest paths of reduced
 * costs {@code C_ij - x_i - y_j >= 0}, found by Dijkstra's algorithm on the whole matrix. The
 * potentials stay feasible, {@code x_i + y_j <= C_ij} with equality where P is positive, so that
 * {@code <r, x> + <c, y>} is the cost. The plan has at most n + m - 1 entries and is sparse.
 *
 * <p>Memory {@code O(n + m)} beside the problem's own; time {@code O(n m)} for a path, of which
 * there are about n to 2 (n + m): a second for 1,000 points, minutes for 10,000. Relaxed problems
 * are refused. The tolerance of {@code converged} is 1e-9 of the mass.
 */
public final class ExactTransport implements TransportSolver {
  private static final double TOLERANCE = 1e-9;

  /** Mass below this part of all is a rounding error. */
  private static final double DUST = 1e-14;

  /**
   * Solves from scratch.
   *
   * @param warmStart not used: an earlier solution is no help to an exact solver
   */
  @Override
  public TransportSolution solve(TransportProblem transport, TransportSolution warmStart) {
    // The paths start from feasible potentials of their own; eta has no meaning here.
    EntropicProblem problem = EntropicNewton.problem(1, transport);
    Flow flow = new Flow(problem);
    flow.solve();
    return flow.result();
  }

  /** The mass that goes into a column: from which rows, and how much. */
  private static final class Inflow {
    int[] row = new int[2];
    double[] mass = new double[2];
    int size;

    int find(int i) {
      for (int k = 0; k < size; k++) {
        if (row[k] == i) {
          return k;
        }
      }
      return -1;
    }

    void add(int i, double amount) {
      int k = find(i);
      if (k < 0) {
        if (size == row.length) {
          row = Arrays.copyOf(row, 2 * size);
          mass = Arrays.copyOf(mass, 2 * size);
        }
        k = size++;
        row[k] = i;
        mass[k] = 0;
      }
      mass[k] += amount;
    }

    void take(int i, double amount, double dust) {
      int k = find(i);
      mass[k] -= amount;
      if (mass[k] <= dust) {
        size--;
        row[k] = row[size];
        mass[k] = mass[size];
      }
    }
  }

  private static final class Flow {
    private final EntropicProblem problem;
    private final int n;
    private final int m;
    private final double dust;
    private final double[] x;
    private final double[] y;
    private final double[] demand;
    private final Inflow[] inflow;

    // Of one search: distances of columns and rows, and from where they are reached.
    private final double[] columnDistance;
    private final double[] rowDistance;
    private final int[] fromRow;
    private final int[] fromColumn;
    private final boolean[] done;
    private final double[] buffer;

    Flow(EntropicProblem problem) {
      this.problem = problem;
      this.n = problem.n();
      this.m = problem.m();
      this.dust = DUST * problem.mass();
      this.x = new double[n];
      this.y = new double[m];
      this.demand = problem.c().clone();
      this.inflow = new Inflow[m];
      Arrays.setAll(inflow, j -> new Inflow());
      this.columnDistance = new double[m];
      this.rowDistance = new double[n];
      this.fromRow = new int[m];
      this.fromColumn = new int[n];
      this.done = new boolean[m];
      this.buffer = new double[m];
    }

    void solve() {
      Arrays.fill(y, Double.POSITIVE_INFINITY);
      for (int i = 0; i < n; i++) {
        double[] cost = problem.costs().row(i, buffer);
        for (int j = 0; j < m; j++) {
          y[j] = Math.min(y[j], cost[j]);
        }
      }
      for (int i = 0; i < n; i++) {
        double[] cost = problem.costs().row(i, buffer);
        x[i] = Double.POSITIVE_INFINITY;
        for (int j = 0; j < m; j++) {
          x[i] = Math.min(x[i], cost[j] - y[j]);
        }
      }
      for (int i = 0; i < n; i++) {
        double supply = problem.r()[i];
        while (supply > dust) {
          int end = search(i);
          if (end < 0) {
            throw new IllegalArgumentException(
                "no plan has finite cost: row %d has mass %s that finds no place"
                    .formatted(problem.rows()[i], supply));
          }
          supply -= augment(i, end, supply);
        }
      }
    }

    /** The nearest column that wants mass, after an update of the potentials; -1 if none. */
    private int search(int start) {
      Arrays.fill(columnDistance, Double.POSITIVE_INFINITY);
      Arrays.fill(rowDistance, Double.POSITIVE_INFINITY);
      Arrays.fill(done, false);
      rowDistance[start] = 0;
      fromColumn[start] = -1;
      scan(start);
      while (true) {
        int nearest = -1;
        for (int j = 0; j < m; j++) {
          if (!done[j]
              && columnDistance[j] < Double.POSITIVE_INFINITY
              && (nearest < 0 || columnDistance[j] < columnDistance[nearest])) {
            nearest = j;
          }
        }
        if (nearest < 0) {
          return -1;
        }
        done[nearest] = true;
        double distance = columnDistance[nearest];
        if (demand[nearest] > dust) {
          for (int i = 0; i < n; i++) {
            if (rowDistance[i] < distance) {
              x[i] += distance - rowDistance[i];
            }
          }
          for (int j = 0; j < m; j++) {
            if (done[j]) {
              y[j] -= distance - columnDistance[j];
            }
          }
          return nearest;
        }
        Inflow in = inflow[nearest];
        for (int k = 0; k < in.size; k++) {
          int i = in.row[k];
          // Back along an edge with mass, whose reduced cost is 0.
          if (distance < rowDistance[i]) {
            rowDistance[i] = distance;
            fromColumn[i] = nearest;
            scan(i);
          }
        }
      }
    }

    private void scan(int i) {
      double[] cost = problem.costs().row(i, buffer);
      double base = rowDistance[i] - x[i];
      for (int j = 0; j < m; j++) {
        double distance = Math.max(rowDistance[i], base + cost[j] - y[j]);
        if (distance < columnDistance[j] && !done[j]) {
          columnDistance[j] = distance;
          fromRow[j] = i;
        }
      }
    }

    /** Sends what the path from a row to a column can take; gives how much. */
    private double augment(int start, int end, double supply) {
      double amount = Math.min(supply, demand[end]);
      for (int i = fromRow[end]; i != start; i = fromRow[fromColumn[i]]) {
        Inflow back = inflow[fromColumn[i]];
        amount = Math.min(amount, back.mass[back.find(i)]);
      }
      demand[end] -= amount;
      int j = end;
      while (true) {
        int i = fromRow[j];
        inflow[j].add(i, amount);
        if (i == start) {
          return amount;
        }
        inflow[fromColumn[i]].take(i, amount, dust);
        j = fromColumn[i];
      }
    }

    TransportSolution result() {
      double[] rowSums = new double[n];
      double[] columnSums = new double[m];
      int[] count = new int[problem.allRows() + 1];
      for (int j = 0; j < m; j++) {
        Inflow in = inflow[j];
        for (int k = 0; k < in.size; k++) {
          rowSums[in.row[k]] += in.mass[k];
          columnSums[j] += in.mass[k];
          if (problem.columns()[j] >= 0 && problem.rows()[in.row[k]] >= 0) {
            count[problem.rows()[in.row[k]] + 1]++;
          }
        }
      }
      Arrays.parallelPrefix(count, Integer::sum);
      int[] next = Arrays.copyOf(count, problem.allRows());
      int[] column = new int[count[problem.allRows()]];
      double[] value = new double[column.length];
      int[] keptRow = new int[problem.allRows()];
      for (int i = 0; i < n; i++) {
        if (problem.rows()[i] >= 0) {
          keptRow[problem.rows()[i]] = i;
        }
      }
      int[] keptColumn = new int[problem.allColumns()];
      for (int j = 0; j < m; j++) {
        int place = problem.columns()[j];
        if (place < 0) {
          continue;
        }
        keptColumn[place] = j;
        Inflow in = inflow[j];
        for (int k = 0; k < in.size; k++) {
          int row = problem.rows()[in.row[k]];
          if (row >= 0) {
            column[next[row]] = place;
            value[next[row]++] = in.mass[k];
          }
        }
      }
      SparsePlan plan = new SparsePlan(problem.allColumns(), count, column, value);
      double cost = 0;
      for (int i = 0; i < problem.allRows(); i++) {
        if (count[i + 1] > count[i]) {
          double[] row = problem.costs().row(keptRow[i], buffer);
          for (int k = count[i]; k < count[i + 1]; k++) {
            cost += value[k] * row[keptColumn[column[k]]];
          }
        }
      }
      double rowError = distance(rowSums, problem.r());
      double columnError = distance(columnSums, problem.c());
      return new TransportSolution(
          plan,
          problem.expandX(x),
          problem.expandY(y),
          cost,
          cost,
          rowError,
          columnError,
          0,
          0,
          0,
          rowError + columnError <= TOLERANCE * problem.mass(),
          List.of());
    }

    private static double distance(double[] a, double[] b) {
      double sum = 0;
      for (int k = 0; k < a.length; k++) {
        sum += Math.abs(a[k] - b[k]);
      }
      return sum;
    }
  }
}

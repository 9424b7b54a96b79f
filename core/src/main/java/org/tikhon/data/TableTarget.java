package org.tikhon.data;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a table's target column is: classes, or numbers. A plain record, saved with a model.
 *
 * @param classes the classes' names; empty in regression
 * @param mean of the training targets, in regression
 * @param deviation of the training targets, in regression
 */
public record TableTarget(String name, List<String> classes, double mean, double deviation) {
  private static final int MOST_INTEGER_CLASSES = 20;

  /** What kind of task to make of a target column. */
  public enum Kind {
    AUTO,
    CLASSIFICATION,
    REGRESSION
  }

  public boolean isClassification() {
    return !classes.isEmpty();
  }

  /**
   * Looks at a training table's target. Words are classes. Numbers are a regression, unless they
   * are whole and there are at most two different ones, or at most twenty that occur at least ten
   * times each on average, and {@code kind} is AUTO.
   */
  public static TableTarget of(Table train, int column, Kind kind) {
    Table.Column target = train.columns().get(column);
    for (int i = 0; i < target.rows(); i++) {
      if (target.isMissing(i)) {
        throw new DataException(
            "%s: the target %s is missing in row %d"
                .formatted(train.source(), target.name(), i + 1));
      }
    }
    if (target instanceof Table.Numeric n) {
      requireFinite(train, n);
    }
    boolean classes =
        switch (kind) {
          case CLASSIFICATION -> true;
          case REGRESSION -> false;
          case AUTO -> target instanceof Table.Text || looksLikeClasses((Table.Numeric) target);
        };
    if (classes) {
      List<String> names = classNames(target);
      if (names.size() < 2) {
        throw new DataException(
            "%s: the target %s has one class only (%s); at least two are needed"
                .formatted(train.source(), target.name(), names.getFirst()));
      }
      return new TableTarget(target.name(), names, 0, 1);
    }
    if (!(target instanceof Table.Numeric n)) {
      Table.Text t = (Table.Text) target;
      throw new DataException(
          "%s: a regression needs a numeric target; %s holds words such as \"%s\" (row 1)"
              .formatted(train.source(), t.name(), t.values()[0]));
    }
    double[] values = n.values();
    double mean = Arrays.stream(values).average().orElse(0);
    double variance = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElse(0);
    return new TableTarget(n.name(), List.of(), mean, variance > 0 ? Math.sqrt(variance) : 1);
  }

  private static boolean looksLikeClasses(Table.Numeric n) {
    double[] distinct = Arrays.stream(n.values()).distinct().toArray();
    boolean whole = Arrays.stream(distinct).allMatch(v -> v == Math.rint(v));
    return whole
        && (distinct.length <= 2
            || (distinct.length <= MOST_INTEGER_CLASSES && n.rows() >= 10 * distinct.length));
  }

  private static List<String> classNames(Table.Column target) {
    if (target instanceof Table.Numeric n) {
      TreeSet<Double> distinct = new TreeSet<>();
      TreeMap<Double, String> names = new TreeMap<>();
      for (int i = 0; i < n.rows(); i++) {
        if (distinct.add(n.values()[i])) {
          names.put(n.values()[i], n.text(i));
        }
      }
      return List.copyOf(names.values());
    }
    TreeSet<String> names = new TreeSet<>();
    for (int i = 0; i < target.rows(); i++) {
      names.add(clean(target.text(i)));
    }
    return List.copyOf(names);
  }

  /** UCI's test files end some labels with a dot. */
  private static String clean(String label) {
    return label.endsWith(".") ? label.substring(0, label.length() - 1) : label;
  }

  private static void requireFinite(Table table, Table.Numeric n) {
    for (int i = 0; i < n.rows(); i++) {
      if (n.missing()[i] || !Double.isFinite(n.values()[i])) {
        throw new DataException(
            "%s: the target %s in row %d is %s"
                .formatted(
                    table.source(), n.name(), i + 1, n.missing()[i] ? "missing" : n.values()[i]));
      }
    }
  }

  /** The class numbers of a table's rows. */
  public long[] labels(Table table) {
    Table.Column column = table.column(name);
    long[] labels = new long[table.rows()];
    for (int i = 0; i < labels.length; i++) {
      String text = column.text(i);
      int place =
          text == null ? -1 : classes.indexOf(column instanceof Table.Text ? clean(text) : text);
      if (place < 0) {
        throw new DataException(
            "%s: the target %s in row %d is %s; training had %s"
                .formatted(table.source(), name, i + 1, text, String.join(", ", classes)));
      }
      labels[i] = place;
    }
    return labels;
  }

  /** The standardised targets of a table's rows. */
  public float[] standardized(Table table) {
    if (!(table.column(name) instanceof Table.Numeric n)) {
      throw new DataException(
          table.source() + ": the target " + name + " holds words; in training it held numbers");
    }
    requireFinite(table, n);
    double[] values = n.values();
    float[] result = new float[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) ((values[i] - mean) / deviation);
    }
    return result;
  }

  /** How often each class occurs among labels. */
  public Map<String, Integer> counts(long[] labels) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    classes.forEach(c -> counts.put(c, 0));
    for (long label : labels) {
      counts.merge(classes.get((int) label), 1, Integer::sum);
    }
    return counts;
  }
}

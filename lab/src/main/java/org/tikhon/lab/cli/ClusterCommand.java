package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.tikhon.data.AtomicFiles;
import org.tikhon.lab.cluster.ClusterData;
import org.tikhon.lab.cluster.ClusterModel;
import org.tikhon.lab.cluster.ClusterModel.Assignment;
import org.tikhon.lab.cluster.ClusterModel.Settings;
import org.tikhon.lab.report.ClusterPicture;
import org.tikhon.lab.report.ClusterPicture.Panel;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.ClusterScores;
import org.tikhon.transport.ImbalancedClustering.Epoch;
import org.tikhon.transport.PseudoLabels;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon cluster}: clusters of any sizes, without labels. */
@Command(
    name = "cluster",
    mixinStandardHelpOptions = true,
    description = {
      "Finds clusters of very different sizes in a table or in images, without labels.",
      "sp2ot learns from a growing part of the rows, with soft cluster sizes and neighbours;"
          + " ppot without neighbours, uot from all rows, balanced with equal cluster sizes."
    },
    footer = {
      "",
      "Examples:",
      "  tikhon cluster features.csv --k 20 --out clusters.csv",
      "  tikhon cluster digits.csv.gz --k 10 --label last --method compare --picture clusters.png",
      "  tikhon cluster mnist/ --k 10 --imbalance 50 --subset 5000 --save model",
      "  tikhon cluster new.csv --model model --out clusters.csv"
    })
public final class ClusterCommand implements Callable<Integer> {
  private static final String COMPARE = "compare";
  private static final List<String> METHODS =
      Stream.concat(
              Arrays.stream(PseudoLabels.values()).map(p -> p.name().toLowerCase(Locale.ROOT)),
              Stream.of(ClusterModel.K_MEANS))
          .toList();

  /** More dots than this are neither seen nor fast. */
  private static final int MOST_DOTS = 5000;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "DATA",
      description =
          "CSV, Parquet or JSON table; folder with IDX files, CIFAR batches or one folder of images"
              + " per class.")
  private Path file;

  @Option(names = "--k", paramLabel = "K", description = "The number of clusters.")
  private Integer clusters;

  @Option(
      names = "--method",
      paramLabel = "NAME",
      description =
          "sp2ot, ppot, uot, balanced, kmeans, or compare for all of them (default"
              + " ${DEFAULT-VALUE}).",
      defaultValue = "sp2ot")
  private String method;

  @Option(
      names = "--label",
      paramLabel = "COLUMN",
      description = "A table's column of classes (a name, or last), used for scores only.")
  private String label;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "Length of a training (default ${DEFAULT-VALUE}).",
      defaultValue = "60")
  private int epochs;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Rows in a step (default ${DEFAULT-VALUE}).",
      defaultValue = "256")
  private int batch;

  @Option(
      names = "--memory",
      paramLabel = "N",
      description = "Rows that are transported together; 0, the default: a batch.",
      defaultValue = "0")
  private int memory;

  @Option(
      names = "--learning-rate",
      paramLabel = "RATE",
      description = "The first learning rate (default ${DEFAULT-VALUE}).",
      defaultValue = "0.005")
  private double learningRate;

  @Option(
      names = "--noise",
      paramLabel = "SIGMA",
      description =
          "Noise that makes views of a row, in deviations of a column (default ${DEFAULT-VALUE}).",
      defaultValue = "0.3")
  private double noise;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "The seed (default ${DEFAULT-VALUE}).",
      defaultValue = "0")
  private long seed;

  @Option(
      names = "--subset",
      paramLabel = "N",
      description = "Use only N rows, drawn at random.",
      defaultValue = "0")
  private int subset;

  @Option(
      names = "--imbalance",
      paramLabel = "RATIO",
      description =
          "Try it on long-tailed data: thin the classes out so that the first has RATIO times as"
              + " many rows as the last.",
      defaultValue = "1")
  private double imbalance;

  @Option(
      names = "--impute",
      description = "Replace missing, NaN and infinite numbers by the mean.")
  private boolean impute;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write row, cluster and confidence to this CSV file.")
  private Path out;

  @Option(
      names = "--picture",
      paramLabel = "FILE",
      description = "Draw the clusters and their sizes to this .svg or .png file.")
  private Path picture;

  @Option(names = "--save", paramLabel = "DIR", description = "Keep the model in this folder.")
  private Path save;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Do not fit: put the rows into the clusters of a model that --save kept.")
  private Path model;

  @Option(names = "--force", description = "Replace --out, --picture and --save if they exist.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  /** What one method found. */
  private record Found(
      String method,
      int clusters,
      Assignment assignment,
      ClusterScores scores,
      double seconds,
      int solves,
      int unconverged) {
    int[] sizes() {
      int[] sizes = new int[clusters];
      Arrays.stream(assignment.clusters()).forEach(k -> sizes[k]++);
      return sizes;
    }

    /** The class that a cluster stands for; a number of its own where it stands for none. */
    int[] colours() {
      int[] colours = new int[clusters];
      Arrays.setAll(
          colours,
          k -> scores == null ? k : scores.classOf()[k] < 0 ? clusters + k : scores.classOf()[k]);
      return colours;
    }

    double meanConfidence() {
      return Arrays.stream(assignment.confidence()).average().orElse(Double.NaN);
    }
  }

  @Override
  public Integer call() throws IOException {
    checkOptions();
    ClusterModel opened = model == null ? null : ClusterModel.open(model);
    ClusterData data = read(opened);
    List<Found> found = new ArrayList<>();
    if (opened != null) {
      found.add(assigned(opened, data));
    } else {
      checkCount(data);
      for (String name : method.equals(COMPARE) ? METHODS : List.of(method)) {
        found.add(fit(name, data));
      }
    }
    write(data, found);
    report(data, found);
    return 0;
  }

  private void checkOptions() throws IOException {
    if (!method.equals(COMPARE) && !METHODS.contains(method)) {
      List<String> known = Stream.concat(METHODS.stream(), Stream.of(COMPARE)).toList();
      throw new IllegalArgumentException(Names.unknown("method", method, known));
    }
    if ((clusters == null) == (model == null)) {
      throw new IllegalArgumentException(
          model == null
              ? "--k is missing, the number of clusters"
              : "--k does not go with --model, which has its clusters");
    }
    if (save != null && (model != null || method.equals(COMPARE))) {
      throw new IllegalArgumentException("--save goes with one method that is fitted");
    }
    atLeast("--epochs", epochs, 1);
    atLeast("--batch", batch, 1);
    atLeast("--memory", memory, 0);
    atLeast("--subset", subset, 0);
    atLeast("--noise", noise, 0);
    atLeast("--imbalance", imbalance, 1);
    if (!(learningRate > 0) || Double.isInfinite(learningRate)) {
      throw new IllegalArgumentException("--learning-rate must be positive, was " + learningRate);
    }
    if (picture != null && !picture.toString().matches(".*\\.(svg|png)")) {
      throw new IllegalArgumentException("--picture must end in .svg or .png, was " + picture);
    }
    checkNew("--out", out);
    checkNew("--picture", picture);
    if (save != null) {
      OutputFolder.check(save, force);
    }
  }

  private static void atLeast(String name, double value, int least) {
    if (!(value >= least) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "%s must be at least %d, was %s"
              .formatted(name, least, value == Math.rint(value) ? (Object) (long) value : value));
    }
  }

  private void checkNew(String name, Path path) {
    if (path != null && Files.exists(path) && !force) {
      throw new IllegalArgumentException(
          name + " " + path + " exists already; add --force to replace it");
    }
  }

  private ClusterData read(ClusterModel opened) throws IOException {
    ClusterData data =
        ClusterData.read(file, label, impute, opened == null ? null : opened.inputs());
    if (imbalance > 1) {
      if (data.labels() == null) {
        throw new IllegalArgumentException("--imbalance needs classes: --label COLUMN");
      }
      data = data.longTailed(imbalance, seed);
    }
    return subset > 0 ? data.subset(subset, seed) : data;
  }

  private void checkCount(ClusterData data) {
    if (clusters < 1 || clusters > data.size()) {
      throw new IllegalArgumentException(
          "--k must be in 1..%d (the number of rows), was %d".formatted(data.size(), clusters));
    }
  }

  private Found fit(String name, ClusterData data) throws IOException {
    Settings settings =
        new Settings(name, clusters, epochs, batch, learningRate, noise, memory, seed);
    int[] solves = new int[2];
    long start = System.nanoTime();
    ClusterModel fitted;
    ProgressLine line = new ProgressLine(System.err);
    try {
      fitted = ClusterModel.fit(data, settings, epoch -> progress(line, name, epoch, solves));
    } finally {
      line.end();
    }
    if (save != null) {
      OutputFolder.fill(
          save,
          force,
          folder -> {
            fitted.save(folder);
            return folder;
          });
    }
    return found(fitted, data, (System.nanoTime() - start) / 1e9, solves);
  }

  private void progress(ProgressLine line, String name, Epoch epoch, int[] solves) {
    solves[0] += epoch.solves();
    solves[1] += epoch.unconverged();
    line.show(
        epoch.epoch(),
        epochs,
        String.format(Locale.ROOT, "%s, rho %.2f, loss %.3f", name, epoch.rho(), epoch.loss()));
  }

  private static Found assigned(ClusterModel model, ClusterData data) {
    long start = System.nanoTime();
    return found(model, data, (System.nanoTime() - start) / 1e9, new int[2]);
  }

  private static Found found(ClusterModel model, ClusterData data, double seconds, int[] solves) {
    Assignment assignment = model.assign(data.inputs());
    int count = model.settings().clusters();
    ClusterScores scores =
        data.labels() == null
            ? null
            : ClusterScores.of(assignment.clusters(), count, data.labels(), data.classes().size());
    return new Found(
        model.settings().method(), count, assignment, scores, seconds, solves[0], solves[1]);
  }

  // ---- Output

  private void write(ClusterData data, List<Found> found) throws IOException {
    if (out != null) {
      AtomicFiles.writeString(out, csv(data, found));
    }
    if (picture != null) {
      ClusterPicture drawn = picture(data, found);
      if (picture.toString().endsWith(".svg")) {
        AtomicFiles.writeString(picture, drawn.svg());
      } else {
        AtomicFiles.writeBytes(picture, drawn.png());
      }
    }
  }

  private static String csv(ClusterData data, List<Found> found) {
    StringBuilder text = new StringBuilder("row");
    for (Found f : found) {
      String suffix = found.size() == 1 ? "" : "_" + f.method;
      text.append(",cluster").append(suffix).append(",confidence").append(suffix);
    }
    text.append('\n');
    for (int i = 0; i < data.size(); i++) {
      text.append(data.rows()[i]);
      for (Found f : found) {
        text.append(
            String.format(
                Locale.ROOT, ",%d,%.6f", f.assignment.clusters()[i], f.assignment.confidence()[i]));
      }
      text.append('\n');
    }
    return text.toString();
  }

  private ClusterPicture picture(ClusterData data, List<Found> found) {
    int[] places = new int[data.size()];
    Arrays.setAll(places, i -> i);
    try (Scope scope = Scope.open()) {
      if (data.size() > MOST_DOTS) {
        places = new Rng(seed).permutation(data.size()).slice(0, 0, MOST_DOTS).toIntArray();
      }
      double[][] plane = principalPlane(data.inputs());
      double[][] points = new double[places.length][];
      List<Panel> panels = new ArrayList<>();
      for (int i = 0; i < places.length; i++) {
        points[i] = plane[places[i]];
      }
      for (Found f : found) {
        panels.add(new Panel(title(f), pick(f.assignment.clusters(), places), f.colours()));
      }
      int[] sizes = null;
      if (data.labels() != null) {
        int[] labels = pick(data.labels(), places);
        int[] own = new int[data.classes().size()];
        Arrays.setAll(own, c -> c);
        panels.add(new Panel("the classes", labels, own));
        int[] counts = new int[data.classes().size()];
        Arrays.stream(labels).forEach(c -> counts[c]++);
        sizes = counts;
      }
      return new ClusterPicture(points, panels, sizes);
    }
  }

  private static String title(Found f) {
    return f.scores == null
        ? f.method
        : String.format(
            Locale.ROOT,
            "%s: class accuracy %.3f, NMI %.3f",
            f.method,
            f.scores.accuracy(),
            f.scores.nmi());
  }

  private static int[] pick(int[] values, int[] places) {
    return Arrays.stream(places).map(i -> values[i]).toArray();
  }

  /** The first two principal components, {@code [n, 2]}; 0 where there is only one number. */
  private static double[][] principalPlane(Tensor inputs) {
    Tensor x = inputs.flatten(1, -1).to(Dtype.FLOAT64);
    Tensor centred = x.sub(x.meanKeep(0));
    Tensor axes = Linalg.eigh(centred.mT().matmul(centred)).vectors();
    long d = x.size(1);
    Tensor plane = centred.matmul(axes.slice(1, Math.max(0, d - 2), d));
    double[][] points = new double[(int) x.size(0)][];
    double[] flat = plane.toDoubleArray();
    int columns = (int) plane.size(1);
    Arrays.setAll(
        points,
        i ->
            columns == 1 ? new double[] {flat[i], 0} : new double[] {flat[2 * i + 1], flat[2 * i]});
    return points;
  }

  private void report(ClusterData data, List<Found> found) {
    PrintWriter print = spec.commandLine().getOut();
    if (json) {
      Json.print(print, object(data, found));
      return;
    }
    print.printf(
        Locale.ROOT,
        "%s: %,d rows of %d numbers%s%n",
        data.title(),
        data.size(),
        data.inputs().numel() / data.size(),
        data.labels() == null ? "" : ", %d classes".formatted(data.classes().size()));
    print.println();
    print.print(table(found));
    for (Found f : found) {
      if (found.size() == 1) {
        print.println();
        print.println("sizes: " + sizes(f));
      }
      if (f.unconverged > 0) {
        print.printf(
            "%s: %,d of %,d label problems ended at their last step before they had converged%n",
            f.method, f.unconverged, f.solves);
      }
    }
    if (out != null) {
      print.println("clusters " + out);
    }
    if (picture != null) {
      print.println("picture  " + picture);
    }
    if (save != null) {
      print.println("model    " + save + "; use it: ./tikhon cluster NEW --model " + save);
    }
    print.flush();
  }

  private static String sizes(Found f) {
    return String.join(
        ", ",
        Arrays.stream(f.sizes()).boxed().sorted((a, b) -> b - a).map(String::valueOf).toList());
  }

  private static String table(List<Found> found) {
    boolean scored = found.getFirst().scores != null;
    StringBuilder text = new StringBuilder();
    text.append(
        scored
            ? "method     class acc.   head medium   tail     F1    NMI    ARI  largest  smallest  conf.  time\n"
            : "method     largest  smallest  conf.  time\n");
    for (Found f : found) {
      text.append(String.format(Locale.ROOT, "%-10s", f.method));
      if (scored) {
        ClusterScores s = f.scores;
        text.append(
            String.format(
                Locale.ROOT,
                "     %.3f   %5.3f  %5.3f  %5.3f  %.3f  %.3f  %.3f",
                s.accuracy(),
                s.head(),
                s.medium(),
                s.tail(),
                s.f1(),
                s.nmi(),
                s.ari()));
      }
      int[] sizes = f.sizes();
      text.append(
          String.format(
              Locale.ROOT,
              "  %7d  %8d  %.3f  %.1f s%n",
              Arrays.stream(sizes).max().orElse(0),
              Arrays.stream(sizes).min().orElse(0),
              f.meanConfidence(),
              f.seconds));
    }
    return text.toString();
  }

  private Map<String, Object> object(ClusterData data, List<Found> found) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("data", data.title());
    object.put("rows", data.size());
    object.put("seed", seed);
    object.put("methods", found.stream().map(f -> object(f, data.classes())).toList());
    put(object, "out", out);
    put(object, "picture", picture);
    put(object, "model", save == null ? model : save);
    return object;
  }

  private static void put(Map<String, Object> object, String name, Path path) {
    if (path != null) {
      object.put(name, path.toString());
    }
  }

  private static Map<String, Object> object(Found f, List<String> classes) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("method", f.method);
    object.put("clusters", f.clusters);
    object.put("sizes", f.sizes());
    object.put("meanConfidence", f.meanConfidence());
    if (f.scores != null) {
      ClusterScores s = f.scores;
      object.put("classAccuracy", s.accuracy());
      object.put("accuracy", s.overall());
      object.put("headAccuracy", finite(s.head()));
      object.put("mediumAccuracy", finite(s.medium()));
      object.put("tailAccuracy", finite(s.tail()));
      object.put("f1", s.f1());
      object.put("nmi", s.nmi());
      object.put("ari", s.ari());
      object.put(
          "classOfCluster",
          Arrays.stream(s.classOf()).mapToObj(c -> c < 0 ? null : classes.get(c)).toList());
    }
    object.put("solves", f.solves);
    object.put("unconverged", f.unconverged);
    object.put("seconds", f.seconds);
    return object;
  }

  /** JSON has no NaN: no such class is null. */
  private static Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }
}

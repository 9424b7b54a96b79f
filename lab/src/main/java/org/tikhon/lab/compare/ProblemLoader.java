package org.tikhon.lab.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.tikhon.data.DataException;
import org.tikhon.data.GeneratedDigits;
import org.tikhon.data.GeneratedShapes;
import org.tikhon.data.ImageSet;
import org.tikhon.data.LabelNoise;
import org.tikhon.data.MaskedImages;
import org.tikhon.data.Table;
import org.tikhon.data.TableEncoder;
import org.tikhon.data.TableTarget;
import org.tikhon.lab.compare.Problem.Inputs;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;
import org.tikhon.train.Task;
import org.tikhon.train.Trainer.Augment;

/** Looks at a user's data and makes a {@link Problem} of it. */
public final class ProblemLoader {
  private static final int GENERATED_TRAIN = 6000;
  private static final int GENERATED_TEST = 2000;
  private static final int GENERATED_SHAPES_TRAIN = 40;
  private static final int GENERATED_SHAPES_TEST = 60;

  /** What {@code --data} may say instead of a folder of images and masks. */
  public static final String GENERATED_SHAPES = "generated-shapes";

  private static final long SPLIT_SEED = 20_240_607;
  private static final double TEST_PART = 0.2;

  private ProblemLoader() {}

  /**
   * What the user said.
   *
   * @param data a table, a folder of images, a folder of images and masks, {@link
   *     #GENERATED_SHAPES}, or null for the generated digits
   * @param test a separate test table, or null to hold a fifth out
   * @param target a column's name or {@code last}
   * @param labelNoise as {@link LabelNoise#parse} reads it, or null
   * @param subset use only so many training samples, or 0 for all
   * @param model a backbone's name, or null for the usual one
   */
  public record Request(
      Path data,
      Path test,
      String target,
      TableTarget.Kind kind,
      String labelNoise,
      int subset,
      String model,
      boolean impute) {}

  /** Reads the data and finds out what they are. */
  public static Problem load(Request request) throws IOException {
    if (request.subset < 0) {
      throw new IllegalArgumentException("subset must be 1 or more, was " + request.subset);
    }
    try (Scope scope = Scope.open()) {
      if (request.data == null) {
        return generated(request);
      }
      if (request.data.toString().equals(GENERATED_SHAPES)) {
        return segmentation(
            "generated shapes (ellipses drawn by a program)",
            GeneratedShapes.of(GENERATED_SHAPES_TRAIN, 1),
            GeneratedShapes.of(GENERATED_SHAPES_TEST, 2),
            request);
      }
      if (!Files.exists(request.data)) {
        throw new NoSuchFileException(request.data.toString());
      }
      if (MaskedImages.isMaskFolder(request.data)) {
        return segmentation(request);
      }
      return Files.isDirectory(request.data) ? images(request) : table(request);
    }
  }

  // ---- Images

  private static Problem generated(Request request) {
    ImageSet train = GeneratedDigits.of(GENERATED_TRAIN, 1);
    ImageSet test = GeneratedDigits.of(GENERATED_TEST, 2);
    Request noisy =
        request.labelNoise != null
            ? request
            : new Request(
                null,
                null,
                null,
                request.kind,
                "symmetric:0.4",
                request.subset,
                request.model,
                request.impute);
    return images(
        "generated handwritten-looking digits (drawn by a program, nobody wrote them)",
        train,
        test,
        noisy);
  }

  private static Problem images(Request request) throws IOException {
    if (request.test != null) {
      throw new IllegalArgumentException(
          "--test goes with a table; a folder of images brings its own test images");
    }
    ImageSet.Split split = ImageSet.read(request.data);
    ImageSet all = split.train();
    if (split.test().isPresent()) {
      return images(request.data.toString(), all, split.test().get(), request);
    }
    int[] order = stratifiedOrder(Arrays.stream(all.labels()).asLongStream().toArray());
    int held = (int) Math.round(TEST_PART * all.size());
    return images(
        request.data + " (a fifth held out for the test)",
        select(all, Arrays.copyOfRange(order, held, order.length)),
        select(all, Arrays.copyOfRange(order, 0, held)),
        request);
  }

  private static ImageSet select(ImageSet set, int[] places) {
    int bytes = set.channels() * set.height() * set.width();
    byte[] pixels = new byte[places.length * bytes];
    int[] labels = new int[places.length];
    for (int i = 0; i < places.length; i++) {
      System.arraycopy(set.pixels(), places[i] * bytes, pixels, i * bytes, bytes);
      labels[i] = set.labels()[places[i]];
    }
    return new ImageSet(set.channels(), set.height(), set.width(), pixels, labels, set.classes());
  }

  private static Problem images(
      String title, ImageSet trainSet, ImageSet testSet, Request request) {
    if (trainSet.channels() != testSet.channels()
        || trainSet.height() != testSet.height()
        || trainSet.width() != testSet.width()) {
      throw new DataException(title + ": training and test images differ in size");
    }
    Task.Classification task = new Task.Classification(trainSet.classes().size());
    Dataset train = subset(dataset(trainSet), request.subset);
    Dataset test = dataset(testSet);

    Tensor mean = train.inputs().mean(0, 2, 3);
    Tensor deviation = train.inputs().std(false, 0, 2, 3).clampMin(1e-6);
    Inputs inputs = new Inputs("images", list(mean), list(deviation), null, null);
    BackboneSpec backbone =
        new BackboneSpec(
            request.model != null ? request.model : trainSet.channels() == 1 ? "mlp" : "cnn",
            List.of(trainSet.channels(), trainSet.height(), trainSet.width()),
            List.of(),
            task.classes());
    if (!BackboneSpec.IMAGE_NAMES.contains(backbone.name())) {
      throw new IllegalArgumentException(
          "--model must be one of %s for images, was %s"
              .formatted(String.join(", ", BackboneSpec.IMAGE_NAMES), backbone.name()));
    }
    LabelNoise noise = noise(request.labelNoise, task.classes(), trainSet.classes());
    List<String> findings = new ArrayList<>();
    findings.add(
        "classification of %s images %d x %d into %d classes"
            .formatted(
                trainSet.channels() == 1 ? "grey" : "colour",
                trainSet.width(),
                trainSet.height(),
                task.classes()));
    findings.add("%,d training and %,d test images".formatted(train.size(), test.size()));
    findings.add("class balance: " + balance(train.targets().toIntArray(), trainSet.classes()));
    addNoise(findings, noise);
    boolean flip = trainSet.channels() == 3;
    return new Problem(
        title,
        findings,
        task,
        normalized(train, mean, deviation).escape(),
        normalized(test, mean, deviation).escape(),
        trainSet.classes(),
        noise,
        backbone.name().equals("mlp") ? Augment.NONE : Augment.shiftAndFlip(2, flip),
        backbone,
        inputs);
  }

  // ---- Images with masks

  private static Problem segmentation(Request request) throws IOException {
    MaskedImages.Split split = MaskedImages.read(request.data);
    if (split.test().isPresent()) {
      return segmentation(request.data.toString(), split.train(), split.test().get(), request);
    }
    MaskedImages all = split.train();
    int held = (int) Math.max(1, Math.round(TEST_PART * all.size()));
    if (all.size() - held < 2) {
      throw new DataException(
          "%s: there are %d images, at least 3 are needed".formatted(request.data, all.size()));
    }
    int[] order = new Rng(SPLIT_SEED).permutation(all.size()).toIntArray();
    return segmentation(
        request.data + " (a fifth held out for the test)",
        all.select(Arrays.copyOfRange(order, held, order.length)),
        all.select(Arrays.copyOfRange(order, 0, held)),
        request);
  }

  private static Problem segmentation(
      String title, MaskedImages trainSet, MaskedImages testSet, Request request) {
    if (request.test != null || request.labelNoise != null) {
      throw new IllegalArgumentException(
          "--test and --label-noise do not go with images and masks");
    }
    if (request.model != null && !request.model.equals(BackboneSpec.UNET)) {
      throw new IllegalArgumentException(
          "--model must be unet for images and masks, was " + request.model);
    }
    if (trainSet.channels() != testSet.channels()) {
      throw new DataException(title + ": training and test images differ in their channels");
    }
    Task.Segmentation task = new Task.Segmentation(trainSet.classes().size());
    Dataset train = subset(dataset(trainSet), request.subset);
    Dataset test = dataset(testSet);
    Tensor mean = train.inputs().mean(0, 2, 3);
    Tensor deviation = train.inputs().std(false, 0, 2, 3).clampMin(1e-6);
    return new Problem(
        title,
        List.of(
            "segmentation of %s images %d x %d into %d classes"
                .formatted(
                    trainSet.channels() == 1 ? "grey" : "colour",
                    trainSet.width(),
                    trainSet.height(),
                    task.classes()),
            "%,d training and %,d test images".formatted(train.size(), test.size()),
            "pixels of the training part: " + pixelBalance(train, trainSet.classes())),
        task,
        normalized(train, mean, deviation).escape(),
        normalized(test, mean, deviation).escape(),
        trainSet.classes(),
        null,
        Augment.NONE,
        new BackboneSpec(
            BackboneSpec.UNET,
            List.of(trainSet.channels(), trainSet.height(), trainSet.width()),
            List.of(),
            task.classes()),
        new Inputs("segmentation", list(mean), list(deviation), null, null));
  }

  private static String pixelBalance(Dataset train, List<String> classes) {
    int[] valid =
        Arrays.stream(train.targets().reshape(-1).toIntArray()).filter(k -> k >= 0).toArray();
    return balance(valid, classes);
  }

  /** Pixels and class maps, where ignored pixels have {@link Task.Segmentation#IGNORED}. */
  public static Dataset dataset(MaskedImages set) {
    long[] labels = new long[set.masks().length];
    for (int i = 0; i < labels.length; i++) {
      int k = set.masks()[i] & 0xff;
      labels[i] = k == MaskedImages.IGNORED ? Task.Segmentation.IGNORED : k;
    }
    return new Dataset(
        Tensor.of(set.pixels(), set.size(), set.channels(), set.height(), set.width()),
        Tensor.of(labels, set.size(), set.height(), set.width()));
  }

  /** Pixels in [0, 1] and labels. */
  public static Dataset dataset(ImageSet set) {
    Tensor pixels = Tensor.of(set.pixels(), set.size(), set.channels(), set.height(), set.width());
    long[] labels = Arrays.stream(set.labels()).asLongStream().toArray();
    return new Dataset(pixels.to(Dtype.FLOAT32).div(255), Tensor.of(labels, labels.length));
  }

  public static Dataset normalized(Dataset data, Tensor mean, Tensor deviation) {
    return new Dataset(normalize(data.inputs(), mean, deviation), data.targets());
  }

  static Tensor normalize(Tensor pixels, Tensor mean, Tensor deviation) {
    return pixels.sub(mean.view(1, -1, 1, 1)).div(deviation.view(1, -1, 1, 1));
  }

  private static List<Double> list(Tensor t) {
    return Arrays.stream(t.toDoubleArray()).boxed().toList();
  }

  // ---- Tables

  private static Problem table(Request request) throws IOException {
    if (!Table.isTable(request.data)) {
      throw new DataException(
          request.data + ": not a table (.csv, .tsv, .parquet, .json) and not a folder of images");
    }
    if (request.model != null && !request.model.equals("mlp")) {
      throw new IllegalArgumentException("--model must be mlp for a table, was " + request.model);
    }
    Table all = Table.read(request.data);
    refuseNonFinite(all, request.impute);
    int targetColumn = all.columnIndex(request.target == null ? "last" : request.target);
    TableTarget target = TableTarget.of(all, targetColumn, request.kind);

    Table trainTable;
    Table testTable;
    if (request.test != null) {
      trainTable = all;
      testTable = Table.read(request.test);
      refuseNonFinite(testTable, request.impute);
      if (testTable.columns().size() != all.columns().size()) {
        throw new DataException(
            "%s has %d columns, %s has %d"
                .formatted(
                    request.test, testTable.columns().size(), request.data, all.columns().size()));
      }
    } else {
      int[] order =
          target.isClassification()
              ? stratifiedOrder(target.labels(all))
              : new Rng(SPLIT_SEED).permutation(all.rows()).toIntArray();
      int held = (int) Math.round(TEST_PART * all.rows());
      trainTable = all.select(Arrays.copyOfRange(order, held, order.length));
      testTable = all.select(Arrays.copyOfRange(order, 0, held));
    }
    if (request.subset > 0 && request.subset < trainTable.rows()) {
      int[] order = new Rng(SPLIT_SEED).permutation(trainTable.rows()).toIntArray();
      trainTable = trainTable.select(Arrays.copyOfRange(order, 0, request.subset));
    }
    // Everything that is learnt about the columns is learnt from training rows.
    TableTarget fitted =
        target.isClassification()
            ? target
            : TableTarget.of(trainTable, targetColumn, TableTarget.Kind.REGRESSION);
    TableEncoder encoder = TableEncoder.fit(trainTable, targetColumn, request.impute);
    Task task =
        fitted.isClassification()
            ? new Task.Classification(fitted.classes().size())
            : new Task.Regression();
    LabelNoise noise = null;
    if (request.labelNoise != null) {
      if (!fitted.isClassification()) {
        throw new IllegalArgumentException(
            "--label-noise goes with classification; the target is a number");
      }
      noise = noise(request.labelNoise, fitted.classes().size(), fitted.classes());
    }
    return new Problem(
        request.data.toString() + (request.test == null ? " (a fifth held out for the test)" : ""),
        tableFindings(all, trainTable, testTable, fitted, encoder, noise, request),
        task,
        dataset(trainTable, encoder, fitted).escape(),
        dataset(testTable, encoder, fitted).escape(),
        fitted.classes(),
        noise,
        Augment.NONE,
        new BackboneSpec(
            BackboneSpec.TABULAR,
            List.of(encoder.width()),
            encoder.cardinalities(),
            task.outputs()),
        new Inputs("table", List.of(), List.of(), encoder, fitted));
  }

  private static void refuseNonFinite(Table table, boolean impute) {
    String found = impute ? null : table.firstNonFinite();
    if (found != null) {
      throw new DataException(
          found + "; give --impute to replace such numbers by the training mean");
    }
  }

  private static Dataset dataset(Table table, TableEncoder encoder, TableTarget target) {
    Tensor x = Tensor.of(encoder.encode(table), table.rows(), encoder.width());
    Tensor y =
        target.isClassification()
            ? Tensor.of(target.labels(table), table.rows())
            : Tensor.of(target.standardized(table), table.rows());
    return new Dataset(x, y);
  }

  private static List<String> tableFindings(
      Table all,
      Table train,
      Table test,
      TableTarget target,
      TableEncoder encoder,
      LabelNoise noise,
      Request request) {
    List<String> findings = new ArrayList<>();
    findings.add(
        target.isClassification()
            ? "classification of column %s into %d classes%s"
                .formatted(
                    target.name(),
                    target.classes().size(),
                    request.kind == TableTarget.Kind.AUTO
                            && all.column(target.name()) instanceof Table.Numeric
                        ? " (few whole numbers; --task regression treats them as a quantity)"
                        : "")
            : "regression of column %s, mean %.4g, s.d. %.4g"
                .formatted(target.name(), target.mean(), target.deviation()));
    findings.add(
        "%,d training and %,d test rows; %d numeric and %d categorical columns"
            .formatted(
                train.rows(), test.rows(), encoder.numeric().size(), encoder.categorical().size()));
    long missing =
        all.columns().stream()
            .mapToLong(c -> IntStream.range(0, c.rows()).filter(c::isMissing).count())
            .sum();
    findings.add(
        missing == 0
            ? "no missing values"
            : "%,d missing values; words become a category of their own%s"
                .formatted(missing, request.impute ? ", numbers the training mean" : ""));
    if (target.isClassification()) {
      long[] labels = target.labels(train);
      findings.add(
          "class balance: "
              + balance(Arrays.stream(labels).mapToInt(l -> (int) l).toArray(), target.classes()));
    }
    addNoise(findings, noise);
    return findings;
  }

  // ---- What both share

  private static void addNoise(List<String> findings, LabelNoise noise) {
    if (noise != null) {
      findings.add(
          "wrong labels put into the training part on purpose: "
              + noise
              + " (the test labels stay right)");
    }
  }

  private static LabelNoise noise(String text, int classes, List<String> names) {
    if (text == null) {
      return null;
    }
    boolean cifar =
        names.equals(
            List.of(
                "airplane",
                "automobile",
                "bird",
                "cat",
                "deer",
                "dog",
                "frog",
                "horse",
                "ship",
                "truck"));
    return LabelNoise.parse(
        text, cifar ? LabelNoise.cifar10Map() : LabelNoise.nextClassMap(classes));
  }

  private static Dataset subset(Dataset data, int subset) {
    return subset == 0 ? data : data.sample(subset, new Rng(SPLIT_SEED));
  }

  private static String balance(int[] labels, List<String> classes) {
    int[] counts = new int[classes.size()];
    Arrays.stream(labels).forEach(l -> counts[l]++);
    if (classes.size() > 12) {
      return "%,d to %,d samples a class"
          .formatted(Arrays.stream(counts).min().orElse(0), Arrays.stream(counts).max().orElse(0));
    }
    return IntStream.range(0, counts.length)
        .mapToObj(
            k ->
                String.format(
                    Locale.ROOT, "%s %.1f %%", classes.get(k), 100.0 * counts[k] / labels.length))
        .collect(Collectors.joining(", "));
  }

  /** A random order whose every prefix has about the class balance of the whole. */
  private static int[] stratifiedOrder(long[] labels) {
    int[] shuffled = new Rng(SPLIT_SEED).permutation(labels.length).toIntArray();
    Map<Long, List<Integer>> byClass =
        Arrays.stream(shuffled).boxed().collect(Collectors.groupingBy(i -> labels[i]));
    record Place(int sample, double position) {}
    return byClass.values().stream()
        .flatMap(
            members ->
                IntStream.range(0, members.size())
                    .mapToObj(i -> new Place(members.get(i), (i + 0.5) / members.size())))
        .sorted(Comparator.comparingDouble(Place::position).thenComparingInt(Place::sample))
        .mapToInt(Place::sample)
        .toArray();
  }
}

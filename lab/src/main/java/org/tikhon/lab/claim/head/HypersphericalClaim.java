package org.tikhon.lab.claim.head;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.tikhon.head.HypersphericalRecipe;
import org.tikhon.head.MetricLosses;
import org.tikhon.head.NormalizedSoftmaxHead;
import org.tikhon.head.NormalizedSoftmaxHead.Normalisation;
import org.tikhon.head.NovelClassifier;
import org.tikhon.head.NovelClassifier.KnownClass;
import org.tikhon.lab.claim.Check;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimContext.Mode;
import org.tikhon.lab.claim.ClaimImages;
import org.tikhon.lab.claim.ClaimResult;
import org.tikhon.lab.claim.ClaimTraining;
import org.tikhon.lab.claim.Measurement;
import org.tikhon.nn.Backbone;
import org.tikhon.nn.Lambda;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.Module;
import org.tikhon.nn.Sequential;
import org.tikhon.optim.Adam;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;
import org.tikhon.train.Embeddings;
import org.tikhon.train.Learner;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;

/**
 * Hyperspherical embedding (27) against plain softmax, triplet and siamese losses: networks learn
 * seven classes of Fashion-MNIST, then three more are added from a few examples. Every arm uses the
 * same prototypes; the margins of the metric losses are the best on held-out images of the known
 * classes.
 */
public final class HypersphericalClaim implements Claim {
  private static final int[][] NOVEL = {{7, 8, 9}, {1, 3, 8}, {0, 4, 5}};
  private static final int KNOWN_IMAGES = 14_000;
  private static final int HELD_OUT = 1_400;
  private static final int NOVEL_POOL = 300;
  private static final int DIMENSION = 64;
  private static final int DRAWS = 5;
  private static final int[] SHOTS = {1, 5, 20};

  private static final String NSL = "normalised softmax";
  private static final String SOFTMAX = "softmax";
  private static final String TRIPLET = "triplet margin ";
  private static final String SIAMESE = "siamese margin ";
  private static final double[] TRIPLET_MARGINS = {0.2, 0.5, 1};
  private static final double[] SIAMESE_MARGINS = {0.5, 1};

  @Override
  public Class<?> system() {
    return NormalizedSoftmaxHead.class;
  }

  @Override
  public String statement() {
    return "an ordinary classifier trained on the sphere classifies classes that it has never seen, from a few examples and without"
        + " training, better than metric learning";
  }

  @Override
  public String bar() {
    return "means over splits and seeds with 20 examples: joint >= triplet + 2.5 and >= siamese + 2 points; disjoint >= triplet +"
        + " 1.5 and >= siamese + 2; joint >= plain softmax - 0.3; joint with CLASS_MEAN >= WEIGHT + 5";
  }

  /** A trained network up to the embedding. */
  private record Embedder(Module network, NormalizedSoftmaxHead head) {}

  private interface Arm {
    Embedder train(Dataset known, int classes, int seed) throws IOException;
  }

  /** The data of a split and seed: known classes are numbered from 0, novel ones follow. */
  private record Split(
      Dataset train, Dataset heldOut, Dataset pool, Dataset test, Set<Integer> novel, int known) {}

  @Override
  public ClaimResult run(ClaimContext context) throws Exception {
    boolean quick = context.mode() == Mode.QUICK;
    List<Measurement> measured = new ArrayList<>();
    int splits = quick ? 1 : NOVEL.length;
    Map<String, Arm> arms = arms();
    for (int split = 0; split < splits; split++) {
      for (int seed = 0; seed < context.seedsOr(quick ? 1 : 3); seed++) {
        try (Scope scope = Scope.open()) {
          Split data = split(context, NOVEL[split], seed);
          for (var arm : arms.entrySet()) {
            measure(context, arm.getKey(), arm.getValue(), data, split, seed, measured);
          }
        }
      }
    }
    tutorial(context, measured);
    List<String> notes = new ArrayList<>();
    notes.add(
        "MLP 784-256-64, Adam 1e-3, batch 128, 4 epochs, 14,000 images of 7 known classes; prototypes are class means for every"
            + " arm; seed numbers are 10 x split + seed");
    notes.add(
        "chosen on held-out images of known classes for each split: "
            + String.join("; ", chosen(measured, splits)));
    notes.add(
        "the tutorial part trains one linear layer for one epoch on eight classes and adds two");
    if (quick) {
      notes.add("quick: one split, one seed");
    }
    return new ClaimResult(measured, checks(measured, splits), notes);
  }

  // ---- Arms

  private static Map<String, Arm> arms() {
    Map<String, Arm> arms = new LinkedHashMap<>();
    arms.put(
        NSL, (data, classes, seed) -> normalised(data, classes, seed, 4, HypersphericalClaim::mlp));
    arms.put(SOFTMAX, HypersphericalClaim::softmax);
    for (double margin : TRIPLET_MARGINS) {
      arms.put(
          TRIPLET + margin, metric((u, y, rng) -> MetricLosses.randomTriplets(u, y, margin, rng)));
    }
    for (double margin : SIAMESE_MARGINS) {
      arms.put(
          SIAMESE + margin, metric((u, y, rng) -> MetricLosses.randomPairs(u, y, margin, rng)));
    }
    return arms;
  }

  /** The network up to the embedding, which an arm puts its head on. */
  private static Backbone mlp(Rng rng) {
    return new Mlp(28 * 28, List.of(256), DIMENSION, rng);
  }

  private static ClaimTraining training(int classes, int epochs, Function<Rng, Backbone> network) {
    return new ClaimTraining(classes, network, epochs, 128, Setup.Optimization.adamW(1e-3, 0));
  }

  private static Embedder normalised(
      Dataset data, int classes, int seed, int epochs, Function<Rng, Backbone> embedding)
      throws IOException {
    NormalizedSoftmaxHead[] head = new NormalizedSoftmaxHead[1];
    Learner learner =
        training(classes, epochs, embedding)
            .train(
                data,
                seed,
                setup -> {
                  Backbone network = setup.network();
                  long width = ((Linear) network.head()).outFeatures();
                  head[0] =
                      new NormalizedSoftmaxHead(
                          (int) width,
                          classes,
                          NormalizedSoftmaxHead.DEFAULT_SCALE,
                          Normalisation.PROJECT,
                          setup.rng());
                  network.replaceHead(new Sequential(network.head(), head[0]));
                  return HypersphericalRecipe.learner(setup, network, head[0]);
                });
    return new Embedder(embedding(learner), head[0]);
  }

  private static Embedder softmax(Dataset data, int classes, int seed) throws IOException {
    Learner learner =
        training(classes, 4, HypersphericalClaim::mlp)
            .train(
                data,
                seed,
                setup -> {
                  Backbone network = setup.network();
                  network.replaceHead(
                      new Sequential(network.head(), new Linear(DIMENSION, classes, setup.rng())));
                  return new SupervisedLearner(
                      setup, network, new Adam(network.parameters(), 1e-3));
                });
    return new Embedder(embedding(learner), null);
  }

  /** A loss of embeddings and labels that draws pairs or triplets. */
  private interface MetricLoss {
    Tensor apply(Tensor u, Tensor labels, Rng rng);
  }

  private static Arm metric(MetricLoss loss) {
    SupervisedLearner.LossFunction ofBatch =
        (learner, b) -> loss.apply(learner.outputs(b.inputs()), b.targets(), learner.rng());
    return (data, classes, seed) -> {
      Learner learner =
          training(classes, 4, HypersphericalClaim::mlp)
              .train(data, seed, setup -> SupervisedLearner.of(setup, ofBatch));
      return new Embedder(learner.model(), null);
    };
  }

  /** The network of a classifier without its last layer. */
  private static Module embedding(Learner classifier) {
    Backbone network = (Backbone) classifier.model();
    Module last = network.head().children().values().iterator().next();
    return new Lambda(x -> last.forward(network.features(x)));
  }

  // ---- Data

  private static Split split(ClaimContext context, int[] novel, int seed) throws IOException {
    ClaimImages images = ClaimImages.read(context, "fashion-mnist", 40_000, 1, seed);
    Set<Integer> novelClasses = new TreeSet<>();
    int[] number = new int[10];
    int next = 0;
    for (int c = 0; c < 10; c++) {
      int label = c;
      if (Arrays.stream(novel).noneMatch(n -> n == label)) {
        number[c] = next++;
      }
    }
    int known = next;
    for (int c : novel) {
      novelClasses.add(next);
      number[c] = next++;
    }
    Dataset train = renumbered(images.train(), number);
    Dataset test = renumbered(images.test(), number);
    Dataset knownData = train.select(train.targets().lt(known).nonzero().reshape(-1));
    Dataset pool = train.select(train.targets().ge(known).nonzero().reshape(-1));
    return new Split(
        knownData.slice(0, KNOWN_IMAGES),
        knownData.slice(KNOWN_IMAGES, KNOWN_IMAGES + HELD_OUT),
        pool.slice(0, 3L * NOVEL_POOL),
        test,
        novelClasses,
        known);
  }

  private static Dataset renumbered(Dataset data, int[] number) {
    int[] labels = data.targets().toIntArray();
    long[] renumbered = new long[labels.length];
    Arrays.setAll(renumbered, i -> number[labels[i]]);
    return data.withTargets(Tensor.of(renumbered, renumbered.length));
  }

  // ---- Measures

  private static void measure(
      ClaimContext context,
      String name,
      Arm arm,
      Split data,
      int split,
      int seed,
      List<Measurement> measured)
      throws IOException {
    long start = System.nanoTime();
    try (Scope scope = Scope.open()) {
      Embedder embedder = arm.train(data.train, data.known, seed);
      double seconds = (System.nanoTime() - start) / 1e9;
      String prefix = prefix(split, name);
      long id = 10L * split + seed;
      Tensor known = embed(embedder.network, data.train.inputs());
      Tensor test = embed(embedder.network, data.test.inputs());
      Tensor pool = embed(embedder.network, data.pool.inputs());
      double heldOut =
          Embeddings.Prototypes.of(known, data.train.targets())
              .accuracy(embed(embedder.network, data.heldOut.inputs()), data.heldOut.targets());
      measured.add(new Measurement(prefix + "/held-out known accuracy", id, 100 * heldOut, "%"));
      measured.add(new Measurement(prefix + "/training time", id, seconds, "s"));
      double last = 0;
      for (int shots : SHOTS) {
        double joint = 0;
        double disjoint = 0;
        for (int draw = 0; draw < DRAWS; draw++) {
          Tensor places = examples(data, shots, new Rng(1000L * seed + draw));
          Embeddings.NovelClasses result =
              Embeddings.novelClasses(
                  Tensor.cat(List.of(known, pool.indexSelect(0, places)), 0),
                  Tensor.cat(
                      List.of(data.train.targets(), data.pool.targets().indexSelect(0, places)), 0),
                  test,
                  data.test.targets(),
                  data.novel);
          joint += 100 * result.joint() / DRAWS;
          disjoint += 100 * result.disjoint() / DRAWS;
        }
        measured.add(new Measurement(prefix + "/joint K=" + shots, id, joint, "%"));
        measured.add(new Measurement(prefix + "/disjoint K=" + shots, id, disjoint, "%"));
        last = joint;
      }
      if (embedder.head != null) {
        measured.add(
            new Measurement(
                prefix + "/joint K=20 with WEIGHT", id, weightJoint(embedder, data, seed), "%"));
      }
      ClaimTraining.log(
          context.log(),
          start,
          String.format(Locale.ROOT, "split %d, seed %d, %s: joint %.2f", split, seed, name, last));
    }
  }

  private static String prefix(int split, String arm) {
    return "split " + split + ", " + arm;
  }

  private static Tensor embed(Module network, Tensor x) {
    network.eval();
    return Embeddings.of(network::forward, x);
  }

  /** Places of {@code shots} examples of each novel class in the pool. */
  private static Tensor examples(Split data, int shots, Rng rng) {
    List<Tensor> places = new ArrayList<>();
    for (int c : data.novel) {
      Tensor members = data.pool.targets().eq(c).nonzero().reshape(-1);
      places.add(members.indexSelect(0, rng.permutation(members.size(0)).slice(0, 0, shots)));
    }
    return Tensor.cat(places, 0);
  }

  /** Joint accuracy where trained class vectors stand for the known classes. */
  private static double weightJoint(Embedder embedder, Split data, int seed) {
    Tensor places = examples(data, 20, new Rng(1000L * seed));
    NovelClassifier classifier =
        NovelClassifier.joint(embedder.network, embedder.head, KnownClass.WEIGHT, null);
    Tensor labels = data.pool.targets().indexSelect(0, places);
    for (int c : data.novel) {
      Tensor mine = places.indexSelect(0, labels.eq(c).nonzero().reshape(-1));
      classifier =
          classifier.addClass(Integer.toString(c), data.pool.inputs().indexSelect(0, mine));
    }
    return accuracy(classifier, data.test);
  }

  private static double accuracy(NovelClassifier classifier, Dataset test) {
    int[] predicted = classifier.classify(test.inputs()).indices();
    int[] truth = test.targets().toIntArray();
    int hits = 0;
    for (int i = 0; i < truth.length; i++) {
      hits += predicted[i] == truth[i] ? 1 : 0;
    }
    return 100.0 * hits / truth.length;
  }

  // ---- The author's tutorial

  private static void tutorial(ClaimContext context, List<Measurement> measured)
      throws IOException {
    try (Scope scope = Scope.open()) {
      ClaimImages images = ClaimImages.read(context, "fashion-mnist", 59_999, 1, 0);
      Dataset train = images.train();
      Dataset known = train.select(train.targets().lt(8).nonzero().reshape(-1));
      Embedder embedder = normalised(known, 8, 0, 1, rng -> new Mlp(28 * 28, List.of(), 60, rng));
      NovelClassifier classifier =
          NovelClassifier.joint(embedder.network, embedder.head, KnownClass.CLASS_MEAN, known);
      NovelClassifier novel = NovelClassifier.disjoint(embedder.network, 10);
      for (int c = 8; c < 10; c++) {
        Tensor examples =
            train.inputs().indexSelect(0, train.targets().eq(c).nonzero().reshape(-1));
        classifier = classifier.addClass(Integer.toString(c), examples);
        novel = novel.addClass(Integer.toString(c), examples);
      }
      measured.add(
          new Measurement(
              "tutorial, 8 known and 2 added classes/joint accuracy",
              -1,
              accuracy(classifier, images.test()),
              "%"));
      Dataset test = images.test();
      Dataset added = test.select(test.targets().ge(8).nonzero().reshape(-1));
      measured.add(
          new Measurement(
              "tutorial, the 2 added classes/disjoint accuracy",
              -1,
              accuracy(novel, added.withTargets(added.targets().sub(8).to(Dtype.INT64))),
              "%"));
    }
  }

  // ---- The verdict

  private static List<String> names(String prefix, double[] margins) {
    List<String> names = new ArrayList<>();
    for (double margin : margins) {
      names.add(prefix + margin);
    }
    return names;
  }

  private static String best(List<Measurement> measured, int split, List<String> names) {
    return ClaimTraining.best(
        names, n -> Measurement.mean(measured, prefix(split, n) + "/held-out known accuracy"));
  }

  private static List<String> chosen(List<Measurement> measured, int splits) {
    List<String> texts = new ArrayList<>();
    for (int split = 0; split < splits; split++) {
      texts.add(best(measured, split, names(TRIPLET, TRIPLET_MARGINS)));
      texts.add(best(measured, split, names(SIAMESE, SIAMESE_MARGINS)));
    }
    return texts;
  }

  /** The mean over the splits of an arm's quantity, with the chosen margin of each split. */
  private static double mean(
      List<Measurement> measured, int splits, List<String> names, String quantity) {
    double sum = 0;
    for (int split = 0; split < splits; split++) {
      sum += Measurement.mean(measured, prefix(split, best(measured, split, names)) + quantity);
    }
    return sum / splits;
  }

  private static List<Check> checks(List<Measurement> measured, int splits) {
    List<String> nsl = List.of(NSL);
    List<String> softmax = List.of(SOFTMAX);
    List<String> triplet = names(TRIPLET, TRIPLET_MARGINS);
    List<String> siamese = names(SIAMESE, SIAMESE_MARGINS);
    double joint = mean(measured, splits, nsl, "/joint K=20");
    double disjoint = mean(measured, splits, nsl, "/disjoint K=20");
    return List.of(
        Check.atLeast(
            "joint >= triplet + 2.5", joint, mean(measured, splits, triplet, "/joint K=20"), 2.5),
        Check.atLeast(
            "joint >= siamese + 2", joint, mean(measured, splits, siamese, "/joint K=20"), 2),
        Check.atLeast(
            "disjoint >= triplet + 1.5",
            disjoint,
            mean(measured, splits, triplet, "/disjoint K=20"),
            1.5),
        Check.atLeast(
            "disjoint >= siamese + 2",
            disjoint,
            mean(measured, splits, siamese, "/disjoint K=20"),
            2),
        Check.atLeast(
            "joint >= plain softmax - 0.3",
            joint,
            mean(measured, splits, softmax, "/joint K=20"),
            -0.3),
        Check.atLeast(
            "joint with CLASS_MEAN >= WEIGHT + 5",
            joint,
            mean(measured, splits, nsl, "/joint K=20 with WEIGHT"),
            5));
  }
}

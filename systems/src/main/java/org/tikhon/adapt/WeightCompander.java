package org.tikhon.adapt;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.tikhon.Paper;
import org.tikhon.nn.Init;
import org.tikhon.nn.Module;
import org.tikhon.optim.Optimizer;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Weight compander: a network whose weights are a bounded function, steepest at zero, of what the
 * optimiser changes. For each layer, with a, b &gt; 0,
 *
 * <pre>w = a arctan(v / b),   dw/dv = (a / b) / (1 + (v / b)^2),   |w| &lt; a pi / 2.</pre>
 *
 * <p>A step of gradient descent on v moves w by {@code -lr (dw/dv)^2 dL/dw}: most at zero, so that
 * small weights are pushed away from it and take part, and hardly at the bound, so that no single
 * weight dominates. Weight decay acts on v: seen from w it is a barrier at the bound. It works on
 * top of other regularisers and costs nothing after {@link #bake}.
 *
 * <p>Weights (parameters with two or more dimensions: of linear, convolutional, embedding and
 * attention layers) are companded, biases and normalisation layers are not. {@link #attach} keeps
 * the network's function: {@code v = b tan(w / a)}. The forward pass of the network computes w from
 * v wherever the weight is used; v, a and b are in its state.
 *
 * <p>Source: the formula is the paper's; positivity of learnt scales by softplus, the start that
 * keeps the function, and the other companders are ours.
 */
@Paper(
    number = 43,
    title = "Weight Compander: A Simple Weight Reparameterization for Regularization",
    authors = "Rinor Cakaj, Jens Mehnert, Bin Yang",
    year = 2023,
    url = "https://arxiv.org/abs/2306.16993")
public final class WeightCompander {
  /** Weights beyond this part of the bound are clipped to it when the compander is attached. */
  public static final double CLAMP = 0.95;

  private final Module model;
  private final List<Site> sites;
  private final long clipped;

  /** A companded parameter. */
  private record Site(String path, Module module, String name, CompandedWeight weight) {
    String fullName() {
      return path.isEmpty() ? name : path + "." + name;
    }

    Module.Parameter parameter() {
      return module.parameter(name);
    }
  }

  private WeightCompander(Module model, List<Site> sites, long clipped) {
    this.model = model;
    this.sites = sites;
    this.clipped = clipped;
  }

  /**
   * Compands a network's weights in place, without changing its function (where no weight is
   * clipped). Make the optimiser afterwards: it trains v.
   *
   * @throws IllegalArgumentException if no weight matches, a matching weight is parametrized
   *     already, or, with {@code strict}, weights lie beyond 0.95 of the bound
   */
  public static WeightCompander attach(Module model, WeightCompanderConfig config) {
    List<Site> sites = new ArrayList<>();
    long clipped = 0;
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      List<Site> found = find(model, config);
      if (config.strict()) {
        found.forEach(s -> checkBound(s, config));
      }
      for (Site site : found) {
        Tensor w = site.parameter().original();
        CompandedWeight weight = weight(site, config);
        double limit = limit(weight);
        Tensor wide = w.to(computeType(w));
        clipped += beyond(wide, limit);
        Tensor a = weight.a().to(wide.dtype());
        Tensor b = weight.b().to(wide.dtype());
        w.copy_(config.f().inverse(wide.clamp(-limit, limit), a, b));
        site.module.parametrize(site.name, weight);
        sites.add(new Site(site.path, site.module, site.name, weight));
      }
    }
    return new WeightCompander(model, List.copyOf(sites), clipped);
  }

  /** The parameters to compand, all checked before the first is changed. */
  private static List<Site> find(Module model, WeightCompanderConfig config) {
    List<Site> found = new ArrayList<>();
    Set<Tensor> seen = new HashSet<>();
    model
        .namedModules()
        .forEach(
            (path, module) -> {
              boolean layer =
                  module.parameterNames().stream()
                      .anyMatch(n -> module.parameter(n).original().dim() >= 2);
              if (!layer || !config.layers().test(path)) {
                return;
              }
              for (String name : module.parameterNames()) {
                Module.Parameter parameter = module.parameter(name);
                boolean matrix = parameter.original().dim() >= 2;
                // A tensor that two modules share must be companded once.
                if ((matrix || config.biases()) && seen.add(parameter.original())) {
                  Site site = new Site(path, module, name, null);
                  if (parameter.isParametrized()) {
                    throw new IllegalArgumentException(
                        "weight " + site.fullName() + " is parametrized already");
                  }
                  found.add(site);
                }
              }
            });
    if (found.isEmpty()) {
      throw new IllegalArgumentException("no weights matched: layers selects none of the model's");
    }
    return found;
  }

  private static CompandedWeight weight(Site site, WeightCompanderConfig config) {
    Tensor w = site.parameter().original();
    double unit = config.mode() == WeightCompanderConfig.Scale.FIXED ? 1 : initialDeviation(w);
    double a = config.a() * unit;
    double b = config.f().scaleFor(a, config.slope());
    boolean learned = config.mode() == WeightCompanderConfig.Scale.LEARNED;
    return new CompandedWeight(config.f(), a, b, learned, w.requiresGrad());
  }

  private static double initialDeviation(Tensor w) {
    double deviation = w.numel() < 2 ? 0 : w.to(Dtype.FLOAT64).std(false).item();
    return deviation > 0 ? deviation : 1 / Math.sqrt(Init.fanIn(w.shape()));
  }

  private static double limit(CompandedWeight weight) {
    return CLAMP * weight.compander().bound(weight.a().item());
  }

  private static long beyond(Tensor w, double limit) {
    return w.abs().gt(limit).sum().itemLong();
  }

  private static void checkBound(Site site, WeightCompanderConfig config) {
    Tensor w = site.parameter().original().to(Dtype.FLOAT64);
    double limit = limit(weight(site, config));
    long count = beyond(w, limit);
    if (count > 0) {
      throw new IllegalArgumentException(
          "%d weights of %s are beyond %.4g (0.95 of the bound), the largest is %.4g: choose a larger a"
              .formatted(count, site.fullName(), limit, w.abs().max().item()));
    }
  }

  private static Dtype computeType(Tensor w) {
    return w.dtype() == Dtype.FLOAT64 ? Dtype.FLOAT64 : Dtype.FLOAT32;
  }

  /** How many weights were clipped when the compander was attached. */
  public long clipped() {
    return clipped;
  }

  /**
   * Groups for an optimiser: all trained tensors of the network with weight decay, except learnt
   * scales, which have none.
   */
  public List<Optimizer.Group> parameterGroups(double learningRate, double weightDecay) {
    Set<Tensor> scales = new HashSet<>();
    sites.forEach(s -> scales.addAll(s.weight.parameters()));
    List<Tensor> others = model.parameters().stream().filter(p -> !scales.contains(p)).toList();
    Optimizer.Group decayed = new Optimizer.Group(others, learningRate, weightDecay);
    return scales.isEmpty()
        ? List.of(decayed)
        : List.of(decayed, new Optimizer.Group(List.copyOf(scales), learningRate, 0));
  }

  /**
   * What the weights of a layer look like.
   *
   * @param a and {@code b} the scales
   * @param nearZero the fraction of |w| below a fifth of the weights' standard deviation
   * @param maxOverDeviation the largest |w| in standard deviations
   * @param kurtosis the fourth moment over the squared variance; 3 for a normal distribution
   * @param saturated the fraction of |w| above 0.9 of the bound
   */
  public record LayerReport(
      String name,
      double a,
      double b,
      double nearZero,
      double maxOverDeviation,
      double kurtosis,
      double saturated) {}

  /** A report for each companded parameter. */
  public List<LayerReport> report() {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      return sites.stream().map(WeightCompander::report).toList();
    }
  }

  private static LayerReport report(Site site) {
    double a = site.weight.a().item();
    Tensor w = site.parameter().value();
    LayerReport plain = report(site.fullName(), w);
    double saturated =
        w.abs().gt(0.9 * site.weight.compander().bound(a)).to(Dtype.FLOAT64).mean().item();
    return new LayerReport(
        plain.name,
        a,
        site.weight.b().item(),
        plain.nearZero,
        plain.maxOverDeviation,
        plain.kurtosis,
        saturated);
  }

  /** The same measures of a weight without a compander, whose scales and bound are NaN and 0. */
  public static LayerReport report(String name, Tensor weight) {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor w = weight.to(Dtype.FLOAT64);
      Tensor centred = w.sub(w.mean());
      double variance = centred.square().mean().item();
      double deviation = Math.sqrt(variance);
      return new LayerReport(
          name,
          Double.NaN,
          Double.NaN,
          w.abs().lt(0.2 * deviation).to(Dtype.FLOAT64).mean().item(),
          w.abs().max().item() / deviation,
          centred.pow(4).mean().item() / (variance * variance),
          0);
    }
  }

  /** Replaces every companded weight by its value: a plain network with the same outputs. */
  public void bake() {
    sites.forEach(s -> s.module.unparametrize(s.name));
  }
}

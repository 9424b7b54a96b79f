package org.tikhon.tensor;

import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * A seeded source of randomness, passed to whatever draws. The same seed gives the same numbers on
 * every device: they are drawn on the CPU (Mersenne twister) and moved. Not safe for use by several
 * threads.
 */
public final class Rng {
  private final Generator generator;
  private final GeneratorOptional optional;

  public Rng(long seed) {
    Engine.load();
    generator = torch.make_generator_cpu(seed);
    optional = new GeneratorOptional(generator);
  }

  private static TensorOptions options(Dtype dtype) {
    return Tensor.options(dtype, Device.cpu());
  }

  private static Tensor place(Tensor drawn) {
    return drawn.to(Device.current());
  }

  /** Standard normal numbers. */
  public Tensor normal(Dtype dtype, long... shape) {
    return place(Tensor.wrap(() -> torch.randn(shape, optional, options(dtype))));
  }

  /** FLOAT32 standard normal numbers. */
  public Tensor normal(long... shape) {
    return normal(Dtype.FLOAT32, shape);
  }

  /** Numbers uniform in {@code [0, 1)}. */
  public Tensor uniform(Dtype dtype, long... shape) {
    return place(Tensor.wrap(() -> torch.rand(shape, optional, options(dtype))));
  }

  /** FLOAT32 numbers uniform in {@code [0, 1)}. */
  public Tensor uniform(long... shape) {
    return uniform(Dtype.FLOAT32, shape);
  }

  /** Numbers uniform in {@code [low, high)}. */
  public Tensor uniform(double low, double high, Dtype dtype, long... shape) {
    return uniform(dtype, shape).mul(high - low).add(low);
  }

  /** INT64 numbers uniform in {@code low, ..., high - 1}. */
  public Tensor integers(long low, long high, long... shape) {
    return place(
        Tensor.wrap(() -> torch.randint(low, high, shape, optional, options(Dtype.INT64))));
  }

  /** A random order of 0, ..., n - 1, INT64. */
  public Tensor permutation(long n) {
    return place(Tensor.wrap(() -> torch.randperm(n, optional, options(Dtype.INT64))));
  }

  /** Zeros and ones, one with the given probability, in a tensor's shape, type and device. */
  public Tensor bernoulliLike(Tensor like, double probability) {
    Tensor drawn =
        Tensor.wrap(() -> torch.empty(like.shape(), options(like.dtype()), Tensor.NO_FORMAT));
    Tensor.call(() -> drawn.raw.bernoulli_(probability, optional));
    return drawn.to(like.device());
  }

  /** Zeros and ones with the given probabilities of one. */
  public Tensor bernoulli(Tensor probabilities) {
    Tensor p = probabilities.to(Device.cpu());
    return Tensor.wrap(() -> torch.bernoulli(p.raw, optional)).to(probabilities.device());
  }

  /** Numbers from the exponential distribution with mean {@code 1 / rate}. */
  public Tensor exponential(double rate, Dtype dtype, long... shape) {
    if (!(rate > 0)) {
      throw new IllegalArgumentException("rate must be positive, was " + rate);
    }
    Tensor drawn = Tensor.wrap(() -> torch.empty(shape, options(dtype), Tensor.NO_FORMAT));
    Tensor.call(() -> drawn.raw.exponential_(rate, optional));
    return place(drawn);
  }

  /** Standard Gumbel numbers, {@code -log E} with E exponential. */
  public Tensor gumbel(Dtype dtype, long... shape) {
    return exponential(1, dtype, shape).log().neg();
  }

  /** Counts from the Poisson distribution with the given means, in their shape and type. */
  public Tensor poisson(Tensor means) {
    Tensor m = means.to(Device.cpu());
    return Tensor.wrap(() -> torch.poisson(m.raw, optional)).to(means.device());
  }

  /** Random signs -1 and 1. */
  public Tensor signs(Dtype dtype, long... shape) {
    return integers(0, 2, shape).to(dtype).mul(2).sub(1);
  }

  /**
   * Indices drawn with probabilities proportional to the weights of each row, {@code [n, k]} (or
   * {@code [k]}).
   */
  public Tensor multinomial(Tensor weights, long draws, boolean replacement) {
    Tensor w = weights.to(Device.cpu());
    return Tensor.wrap(() -> torch.multinomial(w.raw, draws, replacement, optional))
        .to(weights.device());
  }

  /**
   * Numbers from the gamma distribution with the given shapes and scale 1 (Marsaglia and Tsang).
   */
  public double gamma(double shape) {
    if (!(shape > 0)) {
      throw new IllegalArgumentException("shape must be positive, was " + shape);
    }
    if (shape < 1) {
      return gamma(shape + 1) * Math.pow(nextDouble(), 1 / shape);
    }
    double d = shape - 1.0 / 3;
    double c = 1 / Math.sqrt(9 * d);
    while (true) {
      double x = nextGaussian();
      double v = 1 + c * x;
      if (v <= 0) {
        continue;
      }
      v = v * v * v;
      if (Math.log(1 - nextDouble()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
        return d * v;
      }
    }
  }

  /** A number from the beta distribution. */
  public double beta(double a, double b) {
    double x = gamma(a);
    double y = gamma(b);
    return x / (x + y);
  }

  /** One number uniform in {@code [0, 1)}. */
  public double nextDouble() {
    try (Scope scope = Scope.open()) {
      return Tensor.wrap(() -> torch.rand(new long[] {1}, optional, options(Dtype.FLOAT64))).item();
    }
  }

  /** One standard normal number. */
  public double nextGaussian() {
    try (Scope scope = Scope.open()) {
      return Tensor.wrap(() -> torch.randn(new long[] {1}, optional, options(Dtype.FLOAT64)))
          .item();
    }
  }

  /** One whole number uniform in {@code 0, ..., bound - 1}. */
  public long nextLong(long bound) {
    try (Scope scope = Scope.open()) {
      return Tensor.wrap(() -> torch.randint(bound, new long[] {1}, optional, options(Dtype.INT64)))
          .itemLong();
    }
  }

  /** A new, independent generator whose seed is drawn from this one. */
  public Rng split() {
    return new Rng(nextLong(Long.MAX_VALUE));
  }

  /** The generator's state, for checkpoints: a UINT8 vector. */
  public Tensor state() {
    return Tensor.wrap(generator::get_state);
  }

  /** Continues from a state. */
  public void restore(Tensor state) {
    Tensor.call(
        () -> {
          generator.set_state(state.raw);
          return null;
        });
  }
}

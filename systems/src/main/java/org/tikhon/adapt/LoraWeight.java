package org.tikhon.adapt;

import java.util.Arrays;
import org.tikhon.nn.Init;
import org.tikhon.nn.Module;
import org.tikhon.nn.Parametrization;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A layer's weight with a low-rank pair: the layer computes with {@code W = base + s B A}, A and B
 * trained, the base frozen (for PiSSA the base becomes the residual).
 *
 * <p>A linear layer never builds W: {@code y = base x + s B (A dropout(x))}. The kernel of a
 * convolution is the matrix {@code [out, in kh kw]}; the table of an embedding, {@code [n,
 * features]}, is factored transposed, as LoRA does: A is {@code [r, n]}, B {@code [features, r]}; a
 * matrix that is stored {@code [in, out]} (GPT-2's Conv1D) is transposed before and after. The base
 * may be 4-bit, {@link Nf4Tensor}, for linear layers.
 */
public final class LoraWeight extends Parametrization {
  /** How the stored weight is read as a matrix {@code [out, in]}. */
  enum Layout {
    LINEAR,
    TRANSPOSED,
    CONVOLUTION,
    EMBEDDING;

    /** A view of the stored weight as {@code [out, in]}. */
    Tensor matrix(Tensor weight) {
      return switch (this) {
        case LINEAR -> weight;
        case TRANSPOSED, EMBEDDING -> weight.t();
        case CONVOLUTION -> weight.view(weight.size(0), -1);
      };
    }
  }

  private final Module.Parameter weight;
  private final Layout layout;
  private final double scaling;
  private final double dropout;
  private final Rng rng;
  private final Parameter a;
  private final Parameter b;
  private final Nf4Tensor quantized;
  private final long[] shape;
  private boolean merged;

  private LoraWeight(
      Module.Parameter weight,
      Layout layout,
      double scaling,
      double dropout,
      Tensor a,
      Tensor b,
      Nf4Tensor quantized,
      Rng rng) {
    this.weight = weight;
    this.layout = layout;
    this.scaling = scaling;
    this.dropout = dropout;
    this.rng = rng;
    this.shape = weight.original().shape();
    this.a = parameter("lora_A", a);
    this.b = parameter("lora_B", b);
    this.quantized = quantized == null ? null : register(quantized);
  }

  /** The 4-bit tensor whose scales belong to the module's state; its bytes are the original. */
  private Nf4Tensor register(Nf4Tensor q) {
    Tensor absmax = buffer("absmax", q.absmax()).original();
    Nf4Tensor.Nested nested = q.nested();
    if (nested != null) {
      nested =
          new Nf4Tensor.Nested(
              buffer("nested_absmax", nested.absmax()).original(),
              nested.blockSize(),
              nested.offset());
    }
    return new Nf4Tensor(q.packed().escape(), absmax, nested, q.shape(), q.dtype(), q.blockSize());
  }

  /** Gives a layer's weight a new pair as the configuration says. */
  static LoraWeight attach(
      Module layer, String name, String path, Layout layout, LoraConfig config, Rng rng) {
    Tensor original = check(layer, name, path);
    checkRank(layout, original, config.r(), path);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor matrix = layout.matrix(original.detach());
      Tensor a;
      Tensor b;
      if (config.init().isPissa()) {
        LoraFactors pair =
            Pissa.principal(matrix, config.r(), config.scaling(), config.init().svd(rng));
        a = pair.a();
        b = pair.b();
        Pissa.addProduct(matrix, a, b, -config.scaling());
      } else {
        Dtype type = Pissa.factorType(original.dtype());
        a = start(config, layout, matrix.size(1), rng).to(type);
        b =
            layout == Layout.EMBEDDING
                ? rng.normal(type, matrix.size(0), config.r())
                : Tensor.zeros(type, matrix.size(0), config.r());
      }
      LoraWeight lora =
          new LoraWeight(
              layer.parameter(name), layout, config.scaling(), config.dropout(), a, b, null, rng);
      layer.parametrize(name, lora);
      return lora;
    }
  }

  private static Tensor start(LoraConfig config, Layout layout, long in, Rng rng) {
    if (layout == Layout.EMBEDDING) {
      return Tensor.zeros(config.r(), in);
    }
    return config.init().kind() == LoraInit.Kind.GAUSSIAN
        ? rng.normal(config.r(), in).div(config.r())
        : Init.torchDefault(rng, config.r(), in);
  }

  /** Gives a layer's weight a pair that is known; the base stays as it is. */
  static LoraWeight attach(
      Module layer,
      String name,
      String path,
      Layout layout,
      double scaling,
      double dropout,
      Tensor a,
      Tensor b,
      Rng rng) {
    Tensor matrix = layout.matrix(check(layer, name, path).detach());
    Tensor flatA = a.reshape(a.size(0), -1);
    Tensor flatB = b.reshape(b.size(0), -1);
    if (flatA.size(1) != matrix.size(1)
        || flatB.size(0) != matrix.size(0)
        || flatB.size(1) != flatA.size(0)) {
      throw new IllegalArgumentException(
          "the adapter of layer %s has A %s and B %s, the weight is %s"
              .formatted(
                  path,
                  Arrays.toString(a.shape()),
                  Arrays.toString(b.shape()),
                  Arrays.toString(layer.parameter(name).original().shape())));
    }
    Dtype type = Pissa.factorType(matrix.dtype());
    LoraWeight lora =
        new LoraWeight(
            layer.parameter(name),
            layout,
            scaling,
            dropout,
            flatA.to(type),
            flatB.to(type),
            null,
            rng);
    layer.parametrize(name, lora);
    return lora;
  }

  /** Replaces a linear layer's weight by a 4-bit base with a pair. */
  static LoraWeight attachQuantized(
      Module layer,
      String name,
      String path,
      LoraConfig config,
      QPissa.Settings settings,
      Rng rng) {
    Tensor original = check(layer, name, path);
    checkRank(Layout.LINEAR, original, config.r(), path);
    try (Scope scope = Scope.open()) {
      SvdMethod svd = config.init().isPissa() ? config.init().svd(rng) : SvdMethod.exact();
      QuantizedFactors q = QPissa.init(original, config.r(), settings, svd, rng);
      LoraWeight lora =
          new LoraWeight(
              layer.parameter(name),
              Layout.LINEAR,
              1,
              config.dropout(),
              q.a(),
              q.b(),
              q.base(),
              rng);
      layer.parametrize(name, lora, lora.quantized.packed());
      return lora;
    }
  }

  private static Tensor check(Module layer, String name, String path) {
    Module.Parameter parameter = layer.parameter(name);
    if (parameter.isParametrized()) {
      throw new IllegalArgumentException(
          "layer %s is adapted already; a second adapter on one residual is not supported: save the first with saveAsLora and load it on the original weights"
              .formatted(path));
    }
    Tensor original = parameter.original();
    if (!original.dtype().isFloatingPoint()) {
      throw new IllegalArgumentException(
          "layer %s is %s; initialise in f32/f16/bf16, then quantise the residual"
              .formatted(path, original.dtype()));
    }
    return original;
  }

  static void checkRank(Layout layout, Tensor original, long r, String path) {
    Tensor matrix = layout.matrix(original.detach());
    Pissa.checkRank(r, matrix.size(0), matrix.size(1), " of layer " + path);
  }

  @Override
  public boolean trainsOriginal() {
    return false;
  }

  private Tensor base(Tensor original) {
    return quantized == null ? original : quantized.dequantize();
  }

  /** {@code base + s B A} in the stored weight's shape, the pair in its own precision. */
  @Override
  public Tensor forward(Tensor original) {
    Tensor base = base(original);
    return merged ? base : base.add(delta().to(base.dtype()));
  }

  /** {@code s B A} in the stored weight's shape. */
  Tensor delta() {
    Tensor product = b.value().matmul(a.value()).mul(scaling);
    return switch (layout) {
      case LINEAR -> product;
      case TRANSPOSED, EMBEDDING -> product.t();
      case CONVOLUTION -> product.view(shape);
    };
  }

  /** {@code base x + s B (A dropout(x)) + bias}. */
  @Override
  public Tensor linear(Tensor x, Tensor original, Tensor bias) {
    if (layout == Layout.TRANSPOSED) {
      return super.linear(x, original, bias);
    }
    Tensor y;
    if (quantized == null) {
      y = Functional.linear(x, original, bias);
    } else {
      y = quantized.matmul(x);
      y = bias == null ? y : y.add(bias);
    }
    if (merged) {
      return y;
    }
    Tensor dropped = dropout > 0 && isTraining() ? Functional.dropout(x, dropout, rng) : x;
    Tensor low = Functional.linear(dropped.to(a.value().dtype()), a.value(), null);
    return y.add(Functional.linear(low, b.value(), null).mul(scaling).to(y.dtype()));
  }

  /** The weight with the pair added, {@code base + s B A}, in the stored shape. */
  public Tensor mergedWeight() {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor w = base(weight.original()).detach().cloned();
      if (!merged) {
        Pissa.addProduct(layout.matrix(w), a.value(), b.value(), scaling);
      }
      return scope.keep(w);
    }
  }

  /** Adds the pair to the base; the layer is then as fast as without an adapter. */
  public void merge() {
    if (quantized != null) {
      throw new IllegalStateException(
          "a 4-bit base cannot take the pair in; mergedWeight() gives the sum");
    }
    if (!merged) {
      Pissa.addProduct(layout.matrix(weight.original().detach()), a.value(), b.value(), scaling);
      merged = true;
    }
  }

  /** Takes the pair out of the base again. */
  public void unmerge() {
    if (merged) {
      Pissa.addProduct(layout.matrix(weight.original().detach()), a.value(), b.value(), -scaling);
      merged = false;
    }
  }

  public boolean isMerged() {
    return merged;
  }

  /** A, {@code [r, in]}. */
  public Tensor a() {
    return a.value();
  }

  /** B, {@code [out, r]}. */
  public Tensor b() {
    return b.value();
  }

  public double scaling() {
    return scaling;
  }

  /** The 4-bit base, or null. */
  public Nf4Tensor quantized() {
    return quantized;
  }

  Layout layout() {
    return layout;
  }

  /** The shape of the layer's weight. */
  long[] weightShape() {
    return shape.clone();
  }
}

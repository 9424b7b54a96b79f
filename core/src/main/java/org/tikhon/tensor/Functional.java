package org.tikhon.tensor;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The operations of neural networks, as in {@code torch.nn.functional}: images are {@code [batch,
 * channels, height, width]}, sequences {@code [batch, length, features]}. A null bias or weight
 * means none.
 */
public final class Functional {
  private Functional() {}

  /** How a loss joins the samples. The order is LibTorch's numbering. */
  public enum Reduction {
    NONE,
    MEAN,
    SUM
  }

  private static Tensor with(
      Tensor a, Function<TensorOptional, org.bytedeco.pytorch.Tensor> operation) {
    try (TensorOptional first = Tensor.optional(a)) {
      return Tensor.wrap(() -> operation.apply(first));
    }
  }

  // ---- Activations

  public static Tensor leakyRelu(Tensor x, double slope) {
    return Tensor.scalar(slope, s -> torch.leaky_relu(x.raw, s));
  }

  public static Tensor elu(Tensor x) {
    return Tensor.wrap(() -> torch.elu(x.raw));
  }

  public static Tensor selu(Tensor x) {
    return Tensor.wrap(() -> torch.selu(x.raw));
  }

  /** {@code x Phi(x)} with the normal distribution function. */
  public static Tensor gelu(Tensor x) {
    return Tensor.wrap(() -> torch.gelu(x.raw));
  }

  /** GELU in its tanh approximation, as GPT-2 uses it. */
  public static Tensor geluTanh(Tensor x) {
    return Tensor.wrap(() -> torch.gelu(x.raw, "tanh"));
  }

  /** {@code x sigmoid(x)}. */
  public static Tensor silu(Tensor x) {
    return Tensor.wrap(() -> torch.silu(x.raw));
  }

  public static Tensor mish(Tensor x) {
    return Tensor.wrap(() -> torch.mish(x.raw));
  }

  /** {@code log(1 + exp(x))}. */
  public static Tensor softplus(Tensor x) {
    return Tensor.wrap(() -> torch.softplus(x.raw));
  }

  /** {@code log(sigmoid(x))} without overflow. */
  public static Tensor logSigmoid(Tensor x) {
    return softplus(x.neg()).neg();
  }

  /** The first half of a dimension times the sigmoid of the second. */
  public static Tensor glu(Tensor x, long dim) {
    return Tensor.wrap(() -> torch.glu(x.raw, dim));
  }

  /**
   * A differentiable sample of a categorical distribution (Gumbel-softmax).
   *
   * @param hard forward one-hot, backward as soft
   */
  public static Tensor gumbelSoftmax(Tensor logits, double temperature, boolean hard, Rng rng) {
    Tensor u = rng.uniform(logits.dtype(), logits.shape()).clamp(1e-20, 1 - 1e-7);
    Tensor gumbel = u.log().neg().log().neg();
    Tensor soft = logits.add(gumbel).div(temperature).softmax(-1);
    if (!hard) {
      return soft;
    }
    Tensor oneHot = soft.zerosLike().scatter(-1, soft.argmax(-1).unsqueeze(-1), 1);
    return Autograd.straightThrough(oneHot, soft);
  }

  /** Sets elements to zero with probability p and divides the others by {@code 1 - p}. */
  public static Tensor dropout(Tensor x, double p, Rng rng) {
    if (!(p >= 0 && p < 1)) {
      throw new IllegalArgumentException("p must be in [0, 1), was " + p);
    }
    return p == 0 ? x : x.mul(rng.bernoulliLike(x, 1 - p).div(1 - p));
  }

  // ---- Linear maps and convolutions

  /** {@code x W^T + b} with W {@code [out, in]}. */
  public static Tensor linear(Tensor x, Tensor weight, Tensor bias) {
    return bias == null
        ? Tensor.wrap(() -> torch.linear(x.raw, weight.raw))
        : with(bias, b -> torch.linear(x.raw, weight.raw, b));
  }

  /** {@code x_k^T W y + b} for each k, W {@code [out, in1, in2]}. */
  public static Tensor bilinear(Tensor x, Tensor y, Tensor weight, Tensor bias) {
    return with(bias, b -> torch.bilinear(x.raw, y.raw, weight.raw, b));
  }

  /** Stride, padding, dilation (one number for all dimensions) and groups of a convolution. */
  public record Conv(long stride, long padding, long dilation, long groups) {
    public static final Conv DEFAULT = new Conv(1, 0, 1, 1);

    public Conv stride(long value) {
      return new Conv(value, padding, dilation, groups);
    }

    public Conv padding(long value) {
      return new Conv(stride, value, dilation, groups);
    }

    public Conv dilation(long value) {
      return new Conv(stride, padding, value, groups);
    }

    public Conv groups(long value) {
      return new Conv(stride, padding, dilation, value);
    }
  }

  private static long[] times(long value, int dims) {
    long[] result = new long[dims];
    Arrays.fill(result, value);
    return result;
  }

  /** Weight {@code [out, in / groups, k]}. */
  public static Tensor conv1d(Tensor x, Tensor weight, Tensor bias, Conv c) {
    return with(
        bias,
        b ->
            torch.conv1d(
                x.raw,
                weight.raw,
                b,
                times(c.stride, 1),
                times(c.padding, 1),
                times(c.dilation, 1),
                c.groups));
  }

  /** Weight {@code [out, in / groups, kh, kw]}. */
  public static Tensor conv2d(Tensor x, Tensor weight, Tensor bias, Conv c) {
    return with(
        bias,
        b ->
            torch.conv2d(
                x.raw,
                weight.raw,
                b,
                times(c.stride, 2),
                times(c.padding, 2),
                times(c.dilation, 2),
                c.groups));
  }

  /** Weight {@code [out, in / groups, kd, kh, kw]}. */
  public static Tensor conv3d(Tensor x, Tensor weight, Tensor bias, Conv c) {
    return with(
        bias,
        b ->
            torch.conv3d(
                x.raw,
                weight.raw,
                b,
                times(c.stride, 3),
                times(c.padding, 3),
                times(c.dilation, 3),
                c.groups));
  }

  /** Weight {@code [in, out / groups, k]}. */
  public static Tensor convTranspose1d(
      Tensor x, Tensor weight, Tensor bias, Conv c, long outputPadding) {
    return with(
        bias,
        b ->
            torch.conv_transpose1d(
                x.raw,
                weight.raw,
                b,
                times(c.stride, 1),
                times(c.padding, 1),
                times(outputPadding, 1),
                c.groups,
                times(c.dilation, 1)));
  }

  /** Weight {@code [in, out / groups, kh, kw]}. */
  public static Tensor convTranspose2d(
      Tensor x, Tensor weight, Tensor bias, Conv c, long outputPadding) {
    return with(
        bias,
        b ->
            torch.conv_transpose2d(
                x.raw,
                weight.raw,
                b,
                times(c.stride, 2),
                times(c.padding, 2),
                times(outputPadding, 2),
                c.groups,
                times(c.dilation, 2)));
  }

  /** Weight {@code [in, out / groups, kd, kh, kw]}. */
  public static Tensor convTranspose3d(
      Tensor x, Tensor weight, Tensor bias, Conv c, long outputPadding) {
    return with(
        bias,
        b ->
            torch.conv_transpose3d(
                x.raw,
                weight.raw,
                b,
                times(c.stride, 3),
                times(c.padding, 3),
                times(outputPadding, 3),
                c.groups,
                times(c.dilation, 3)));
  }

  // ---- Pooling and resampling

  public static Tensor maxPool1d(Tensor x, long kernel, long stride, long padding) {
    return Tensor.wrap(
        () ->
            torch.max_pool1d(
                x.raw, times(kernel, 1), times(stride, 1), times(padding, 1), times(1, 1), false));
  }

  public static Tensor maxPool2d(Tensor x, long kernel, long stride, long padding) {
    return Tensor.wrap(
        () ->
            torch.max_pool2d(
                x.raw, times(kernel, 2), times(stride, 2), times(padding, 2), times(1, 2), false));
  }

  public static Tensor maxPool3d(Tensor x, long kernel, long stride, long padding) {
    return Tensor.wrap(
        () ->
            torch.max_pool3d(
                x.raw, times(kernel, 3), times(stride, 3), times(padding, 3), times(1, 3), false));
  }

  public static Tensor avgPool1d(Tensor x, long kernel, long stride, long padding) {
    return Tensor.wrap(
        () ->
            torch.avg_pool1d(
                x.raw, times(kernel, 1), times(stride, 1), times(padding, 1), false, true));
  }

  public static Tensor avgPool2d(Tensor x, long kernel, long stride, long padding) {
    return Tensor.wrap(
        () ->
            torch.avg_pool2d(
                x.raw,
                times(kernel, 2),
                times(stride, 2),
                times(padding, 2),
                false,
                true,
                Tensor.NO_LONG));
  }

  public static Tensor avgPool3d(Tensor x, long kernel, long stride, long padding) {
    return Tensor.wrap(
        () ->
            torch.avg_pool3d(
                x.raw,
                times(kernel, 3),
                times(stride, 3),
                times(padding, 3),
                false,
                true,
                Tensor.NO_LONG));
  }

  /** Means over a grid of {@code height x width} cells. */
  public static Tensor adaptiveAvgPool2d(Tensor x, long height, long width) {
    return Tensor.wrap(() -> torch.adaptive_avg_pool2d(x.raw, height, width));
  }

  /** How values between pixels are computed. */
  public enum Interpolation {
    NEAREST,
    BILINEAR,
    BICUBIC
  }

  /** Resizes images to {@code height x width}; {@code alignCorners} has no meaning for NEAREST. */
  public static Tensor interpolate(
      Tensor x, long height, long width, Interpolation mode, boolean alignCorners) {
    long[] size = {height, width};
    return Tensor.wrap(
        () ->
            switch (mode) {
              case NEAREST ->
                  torch.upsample_nearest2d(x.raw, size, Tensor.NO_DOUBLE, Tensor.NO_DOUBLE);
              case BILINEAR ->
                  torch.upsample_bilinear2d(
                      x.raw, size, alignCorners, Tensor.NO_DOUBLE, Tensor.NO_DOUBLE);
              case BICUBIC ->
                  torch.upsample_bicubic2d(
                      x.raw, size, alignCorners, Tensor.NO_DOUBLE, Tensor.NO_DOUBLE);
            });
  }

  /**
   * Repeats every pixel or voxel {@code factor} times in each direction, {@code [b, c, h, w]} or
   * {@code [b, c, d, h, w]}.
   */
  public static Tensor upsampleNearest(Tensor x, long factor) {
    if (x.dim() != 4 && x.dim() != 5) {
      throw new IllegalArgumentException(
          "x must be [b, c, h, w] or [b, c, d, h, w], has " + x.dim() + " dimensions");
    }
    if (factor < 1) {
      throw new IllegalArgumentException("factor must be at least 1, was " + factor);
    }
    if (x.dim() == 4) {
      return interpolate(x, factor * x.size(2), factor * x.size(3), Interpolation.NEAREST, false);
    }
    long[] size = {factor * x.size(2), factor * x.size(3), factor * x.size(4)};
    return Tensor.wrap(
        () ->
            torch.upsample_nearest3d(
                x.raw, size, Tensor.NO_DOUBLE, Tensor.NO_DOUBLE, Tensor.NO_DOUBLE));
  }

  /** What {@link #gridSample} reads outside the image. */
  public enum Outside {
    ZEROS,
    BORDER,
    REFLECTION
  }

  /** Reads images at points {@code [batch, h, w, (x, y)]} in [-1, 1]; BILINEAR or NEAREST. */
  public static Tensor gridSample(
      Tensor x, Tensor grid, Interpolation mode, Outside outside, boolean alignCorners) {
    long modeCode =
        switch (mode) {
          case BILINEAR -> 0;
          case NEAREST -> 1;
          case BICUBIC -> 2;
        };
    return Tensor.wrap(
        () -> torch.grid_sampler(x.raw, grid.raw, modeCode, outside.ordinal(), alignCorners));
  }

  /**
   * Sampling points of affine maps {@code [batch, 2, 3]} for {@link #gridSample}, output {@code
   * [batch, h, w, 2]}.
   */
  public static Tensor affineGrid(Tensor theta, long[] imageShape, boolean alignCorners) {
    return Tensor.wrap(() -> torch.affine_grid_generator(theta.raw, imageShape, alignCorners));
  }

  /** Patches as columns (im2col): {@code [b, c, h, w] -> [b, c * kernel^2, positions]}. */
  public static Tensor unfold(Tensor x, long kernel, long stride, long padding, long dilation) {
    return Tensor.wrap(
        () ->
            torch.im2col(
                x.raw, times(kernel, 2), times(dilation, 2), times(padding, 2), times(stride, 2)));
  }

  /** Adds columns back into images of {@code height x width}; the adjoint of {@link #unfold}. */
  public static Tensor fold(
      Tensor columns,
      long height,
      long width,
      long kernel,
      long stride,
      long padding,
      long dilation) {
    return Tensor.wrap(
        () ->
            torch.col2im(
                columns.raw,
                new long[] {height, width},
                times(kernel, 2),
                times(dilation, 2),
                times(padding, 2),
                times(stride, 2)));
  }

  /** Pads with a number: pairs (before, after), the last dimension first. */
  public static Tensor pad(Tensor x, double value, long... pads) {
    return Tensor.scalar(value, s -> torch.constant_pad_nd(x.raw, pads, s));
  }

  /** Pads by mirroring without the edge: pairs (before, after), the last dimension first. */
  public static Tensor padReflect(Tensor x, long... pads) {
    return Tensor.wrap(() -> torch.pad(x.raw, pads, "reflect", Tensor.NO_DOUBLE));
  }

  /** Pads with the edge's value: pairs (before, after), the last dimension first. */
  public static Tensor padReplicate(Tensor x, long... pads) {
    return Tensor.wrap(() -> torch.pad(x.raw, pads, "replicate", Tensor.NO_DOUBLE));
  }

  /** {@code [b, c r^2, h, w] -> [b, c, h r, w r]}. */
  public static Tensor pixelShuffle(Tensor x, long factor) {
    return Tensor.wrap(() -> torch.pixel_shuffle(x.raw, factor));
  }

  /** The inverse of {@link #pixelShuffle}. */
  public static Tensor pixelUnshuffle(Tensor x, long factor) {
    return Tensor.wrap(() -> torch.pixel_unshuffle(x.raw, factor));
  }

  // ---- Normalisation

  /**
   * Batch normalisation; in training the running statistics are updated in place with the momentum.
   */
  public static Tensor batchNorm(
      Tensor x,
      Tensor weight,
      Tensor bias,
      Tensor runningMean,
      Tensor runningVar,
      boolean training,
      double momentum,
      double epsilon) {
    try (TensorOptional w = Tensor.optional(weight);
        TensorOptional b = Tensor.optional(bias);
        TensorOptional mean = Tensor.optional(runningMean);
        TensorOptional var = Tensor.optional(runningVar)) {
      return Tensor.wrap(
          () -> torch.batch_norm(x.raw, w, b, mean, var, training, momentum, epsilon, false));
    }
  }

  /** Normalises over the last dimensions, whose sizes are given. */
  public static Tensor layerNorm(
      Tensor x, Tensor weight, Tensor bias, double epsilon, long... normalizedShape) {
    try (TensorOptional w = Tensor.optional(weight);
        TensorOptional b = Tensor.optional(bias)) {
      return Tensor.wrap(() -> torch.layer_norm(x.raw, normalizedShape, w, b, epsilon, false));
    }
  }

  public static Tensor groupNorm(
      Tensor x, long groups, Tensor weight, Tensor bias, double epsilon) {
    try (TensorOptional w = Tensor.optional(weight);
        TensorOptional b = Tensor.optional(bias)) {
      return Tensor.wrap(() -> torch.group_norm(x.raw, groups, w, b, epsilon, false));
    }
  }

  /** Divides by the root mean square of the last dimensions, whose sizes are given. */
  public static Tensor rmsNorm(Tensor x, Tensor weight, double epsilon, long... normalizedShape) {
    try (TensorOptional w = Tensor.optional(weight);
        DoubleOptional e = new DoubleOptional(epsilon)) {
      return Tensor.wrap(() -> torch.rms_norm(x.raw, normalizedShape, w, e));
    }
  }

  /** Divides by the p-norm along a dimension, at least epsilon. */
  public static Tensor normalize(Tensor x, double p, long dim, double epsilon) {
    return x.div(x.normKeep(p, dim).clampMin(epsilon));
  }

  /** Unit vectors along a dimension. */
  public static Tensor normalize(Tensor x, long dim) {
    return normalize(x, 2, dim, 1e-12);
  }

  // ---- Embedding, attention, recurrent cells

  /** Rows of a table {@code [n, d]} at indices. */
  public static Tensor embedding(Tensor weight, Tensor index) {
    return Tensor.wrap(() -> torch.embedding(weight.raw, index.raw));
  }

  /** One-hot vectors as INT64. */
  public static Tensor oneHot(Tensor index, long classes) {
    return Tensor.wrap(() -> torch.one_hot(index.raw, classes));
  }

  /**
   * {@code softmax(Q K^T / sqrt(d) + mask) V} with fused kernels; Q, K, V are {@code [batch, heads,
   * length, d]}.
   *
   * @param mask added to the scores (or true where attention is allowed), or null
   * @param causal whether position i sees only positions up to i
   */
  public static Tensor scaledDotProductAttention(
      Tensor q, Tensor k, Tensor v, Tensor mask, boolean causal) {
    return with(
        mask,
        m ->
            torch.scaled_dot_product_attention(
                q.raw, k.raw, v.raw, m, 0, causal, Tensor.NO_DOUBLE, false));
  }

  /** One step of a gated recurrent unit: new hidden state {@code [batch, hidden]}. */
  public static Tensor gruCell(Tensor x, Tensor h, Tensor wIh, Tensor wHh, Tensor bIh, Tensor bHh) {
    try (TensorOptional b1 = Tensor.optional(bIh);
        TensorOptional b2 = Tensor.optional(bHh)) {
      return Tensor.wrap(() -> torch.gru_cell(x.raw, h.raw, wIh.raw, wHh.raw, b1, b2));
    }
  }

  /** Hidden state and cell of an LSTM, each {@code [batch, hidden]}. */
  public record LstmState(Tensor h, Tensor c) {}

  /** One step of an LSTM. */
  public static LstmState lstmCell(
      Tensor x, LstmState state, Tensor wIh, Tensor wHh, Tensor bIh, Tensor bHh) {
    return Tensor.call(
        () -> {
          try (TensorOptional b1 = Tensor.optional(bIh);
              TensorOptional b2 = Tensor.optional(bHh);
              TensorVector hc = Tensor.vector(List.of(state.h, state.c));
              T_TensorTensor_T next = torch.lstm_cell(x.raw, hc, wIh.raw, wHh.raw, b1, b2)) {
            return new LstmState(Tensor.alias(next.get0()), Tensor.alias(next.get1()));
          }
        });
  }

  // ---- Losses

  /**
   * Mean cross-entropy of logits {@code [n, classes, ...]} against class indices {@code [n, ...]}.
   */
  public static Tensor crossEntropy(Tensor logits, Tensor labels) {
    return Tensor.wrap(() -> torch.cross_entropy_loss(logits.raw, labels.raw));
  }

  /**
   * Cross-entropy with all options.
   *
   * @param labels class indices, or probabilities of the logits' shape
   * @param weight a weight per class, or null
   * @param smoothing label smoothing in [0, 1]
   */
  public static Tensor crossEntropy(
      Tensor logits, Tensor labels, Tensor weight, Reduction reduction, double smoothing) {
    return with(
        weight,
        w ->
            torch.cross_entropy_loss(
                logits.raw, labels.raw, w, reduction.ordinal(), -100, smoothing));
  }

  /** Negative log-likelihood of log-probabilities against class indices. */
  public static Tensor nllLoss(Tensor logProbabilities, Tensor labels, Reduction reduction) {
    return Tensor.wrap(
        () ->
            torch.nll_loss(
                logProbabilities.raw, labels.raw, Tensor.NO_TENSOR, reduction.ordinal(), -100));
  }

  /** Binary cross-entropy of logits against targets in [0, 1]. */
  public static Tensor binaryCrossEntropyWithLogits(
      Tensor logits, Tensor targets, Reduction reduction) {
    return Tensor.wrap(
        () ->
            torch.binary_cross_entropy_with_logits(
                logits.raw, targets.raw, Tensor.NO_TENSOR, Tensor.NO_TENSOR, reduction.ordinal()));
  }

  public static Tensor mseLoss(Tensor prediction, Tensor target, Reduction reduction) {
    return Tensor.wrap(() -> torch.mse_loss(prediction.raw, target.raw, reduction.ordinal()));
  }

  public static Tensor mseLoss(Tensor prediction, Tensor target) {
    return mseLoss(prediction, target, Reduction.MEAN);
  }

  /** Quadratic below beta, linear above, scaled by {@code 1 / beta}. */
  public static Tensor smoothL1Loss(
      Tensor prediction, Tensor target, Reduction reduction, double beta) {
    return Tensor.wrap(
        () -> torch.smooth_l1_loss(prediction.raw, target.raw, reduction.ordinal(), beta));
  }

  /** Quadratic below delta, linear above. */
  public static Tensor huberLoss(
      Tensor prediction, Tensor target, Reduction reduction, double delta) {
    return Tensor.wrap(
        () -> torch.huber_loss(prediction.raw, target.raw, reduction.ordinal(), delta));
  }

  /** {@code target (log target - input)} of log-probabilities against probabilities. */
  public static Tensor klDiv(Tensor logProbabilities, Tensor target, Reduction reduction) {
    return Tensor.wrap(
        () -> torch.kl_div(logProbabilities.raw, target.raw, reduction.ordinal(), false));
  }

  /** Cosine of the angle along a dimension. */
  public static Tensor cosineSimilarity(Tensor a, Tensor b, long dim) {
    return Tensor.wrap(() -> torch.cosine_similarity(a.raw, b.raw, dim, 1e-8));
  }
}

package org.tikhon.loss;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The class proportions around each pixel of a label map: {@code tau_c(i) = sum_{j in N(i)} w_j
 * [y_j = c]} over a window of odd size, with weights of sum 1. Label maps are {@code [b, h, w]}, or
 * {@code [b, d, h, w]} for volumes.
 *
 * <p>Ignored pixels (negative labels) count nowhere: the weights of the others are scaled to sum 1.
 * The windows' sums are separable, one dimension after the other; nothing of the size of window
 * times pixels is made.
 *
 * @param kernel the weights
 * @param size of the window in every dimension, odd, at least 1
 * @param sigma of the Gaussian kernel, above 0
 * @param padding what the window sees outside the map
 */
public record NeighbourPrior(Kernel kernel, int size, double sigma, Padding padding) {
  private static final System.Logger LOG = System.getLogger(NeighbourPrior.class.getName());

  /** How the pixels of a window are weighted. */
  public enum Kernel {
    /** All alike, the centre included. */
    MEAN,
    /** By {@link SvlsLoss}'s kernel: half for the centre, half for a Gaussian of the neighbours. */
    GAUSSIAN,
    /** All weight on the most frequent class, the first of equal ones. */
    MODE,
    /** By {@code exp(-|I_i - I_j|)} of the image. */
    IMAGE_L1,
    /** By {@code exp(-(I_i - I_j)^2)} of the image. */
    IMAGE_L2
  }

  /** What lies outside the map. */
  public enum Padding {
    /** The edge's labels: the proportions sum to 1 everywhere. */
    REPLICATE,
    /** Class 0, as in the official code. */
    ZERO_LABEL,
    /** No class, as in MONAI: the proportions sum to less than 1 at the edge. */
    ZERO_ONEHOT
  }

  /** The paper's: mean of 3 x 3 pixels, edges repeated. */
  public static final NeighbourPrior DEFAULT =
      new NeighbourPrior(Kernel.MEAN, 3, 1, Padding.REPLICATE);

  public NeighbourPrior {
    Objects.requireNonNull(kernel, "kernel");
    Objects.requireNonNull(padding, "padding");
    if (size < 1 || size % 2 == 0) {
      throw new IllegalArgumentException("size must be odd and at least 1, was " + size);
    }
    if (!(sigma > 0) || Double.isInfinite(sigma)) {
      throw new IllegalArgumentException("sigma must be above 0, was " + sigma);
    }
  }

  public NeighbourPrior withSize(int value) {
    return new NeighbourPrior(kernel, value, sigma, padding);
  }

  public NeighbourPrior withKernel(Kernel value) {
    return new NeighbourPrior(value, size, sigma, padding);
  }

  public NeighbourPrior withPadding(Padding value) {
    return new NeighbourPrior(kernel, size, sigma, value);
  }

  /** The proportions {@code [b, classes, ...]}, FLOAT32, for the kernels that need no image. */
  public Tensor proportions(Tensor labels, int classes) {
    if (kernel == Kernel.IMAGE_L1 || kernel == Kernel.IMAGE_L2) {
      throw new IllegalArgumentException("kernel " + kernel + " needs an image");
    }
    return compute(labels, null, classes);
  }

  /**
   * The proportions {@code [b, classes, ...]}, FLOAT32.
   *
   * @param image {@code [b, ...]}, the grey values, of the labels' shape
   */
  public Tensor proportions(Tensor labels, Tensor image, int classes) {
    return compute(labels, image, classes);
  }

  private Tensor compute(Tensor labels, Tensor image, int classes) {
    for (int d = 1; d < labels.dim(); d++) {
      if (size > labels.size(d) && padding == Padding.REPLICATE) {
        LOG.log(
            System.Logger.Level.WARNING,
            "the window of {0} pixels is larger than the map of {1}",
            size,
            labels.size(d));
        break;
      }
    }
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      // One more channel for what lies outside without a class; ignored pixels are in none.
      Tensor padded = pad(labels, classes);
      Tensor oneHot = oneHot(padded, classes + 1);
      Tensor counts =
          switch (kernel) {
            case MEAN, MODE -> window(oneHot, box());
            case GAUSSIAN -> svls(oneHot);
            case IMAGE_L1, IMAGE_L2 -> imageWeighted(oneHot, image);
          };
      Tensor total = counts.sumKeep(1).clampMin(1e-12);
      Tensor tau = counts.slice(1, 0, classes).div(total);
      if (kernel == Kernel.MODE) {
        Tensor any = counts.slice(1, 0, classes).sum(1).gt(0);
        Tensor mode = tau.argmax(1);
        tau = oneHot(Tensor.where(any, mode, mode.fullLike(-1)), classes);
      }
      return scope.keep(tau);
    }
  }

  /** The label map with a border; {@code classes} where the outside has no class. */
  private Tensor pad(Tensor labels, int classes) {
    int spatial = (int) labels.dim() - 1;
    long[] pads = new long[2 * spatial];
    Arrays.fill(pads, size / 2);
    if (size == 1) {
      return labels;
    }
    return switch (padding) {
      case REPLICATE ->
          Functional.padReplicate(labels.to(Dtype.FLOAT32).unsqueeze(1), pads)
              .squeeze(1)
              .to(Dtype.INT64);
      case ZERO_LABEL -> Functional.pad(labels, 0, pads);
      case ZERO_ONEHOT -> Functional.pad(labels, classes, pads);
    };
  }

  /** {@code [b, channels, ...]}; pixels with negative labels are 0 in every channel. */
  private static Tensor oneHot(Tensor labels, int channels) {
    long[] shape = labels.shape();
    long[] wide = new long[shape.length + 1];
    wide[0] = shape[0];
    wide[1] = channels;
    System.arraycopy(shape, 1, wide, 2, shape.length - 1);
    Tensor valid = labels.ge(0).to(Dtype.FLOAT32).unsqueeze(1);
    return Tensor.zeros(wide).scatter_(1, labels.clampMin(0).unsqueeze(1), valid);
  }

  private double[] box() {
    double[] w = new double[size];
    Arrays.fill(w, 1);
    return w;
  }

  /** {@code exp(-x^2 / (2 sigma^2))} along one dimension, of sum 1. */
  static double[] gaussian(int size, double sigma) {
    double[] g = new double[size];
    double sum = 0;
    for (int i = 0; i < size; i++) {
      double x = i - size / 2;
      g[i] = Math.exp(-x * x / (2 * sigma * sigma));
      sum += g[i];
    }
    for (int i = 0; i < size; i++) {
      g[i] /= sum;
    }
    return g;
  }

  /** Half the centre, half the Gaussian of the neighbours alone. */
  private Tensor svls(Tensor oneHot) {
    if (size == 1) {
      return oneHot;
    }
    double[] g = gaussian(size, sigma);
    double centre = Math.pow(g[size / 2], oneHot.dim() - 2);
    Tensor own = inner(oneHot);
    return window(oneHot, g).sub(own.mul(centre)).div(2 * (1 - centre)).add(own.mul(0.5));
  }

  /** The map without its border. */
  private Tensor inner(Tensor padded) {
    Tensor x = padded;
    for (int d = 2; d < padded.dim(); d++) {
      x = x.slice(d, size / 2, padded.size(d) - size / 2);
    }
    return x;
  }

  /** Weighted sums over windows, one dimension after the other. */
  private Tensor window(Tensor padded, double[] weights) {
    Tensor x = padded;
    for (int d = 2; d < padded.dim(); d++) {
      long length = x.size(d) - size + 1;
      Tensor sum = null;
      for (int i = 0; i < size; i++) {
        Tensor part = x.slice(d, i, i + length);
        sum = sum == null ? part.mul(weights[i]) : sum.add_(part, weights[i]);
      }
      x = sum;
    }
    return x;
  }

  private Tensor imageWeighted(Tensor oneHot, Tensor image) {
    if (image == null) {
      throw new IllegalArgumentException("kernel " + kernel + " needs an image");
    }
    Tensor grey = image.to(Dtype.FLOAT32).unsqueeze(1);
    long[] pads = new long[2 * ((int) image.dim() - 1)];
    Arrays.fill(pads, size / 2);
    Tensor wide = size == 1 ? grey : Functional.padReplicate(grey, pads);
    UnaryOperator<Tensor> closeness =
        kernel == Kernel.IMAGE_L1
            ? difference -> difference.abs().neg().exp()
            : difference -> difference.square().neg().exp();
    int spatial = (int) image.dim() - 1;
    Tensor sum = inner(oneHot).zerosLike();
    int[] offset = new int[spatial];
    do {
      Tensor weight = closeness.apply(shifted(wide, offset).sub(grey));
      sum.add_(shifted(oneHot, offset).mul(weight));
    } while (next(offset));
    return sum;
  }

  private Tensor shifted(Tensor padded, int[] offset) {
    Tensor x = padded;
    for (int d = 0; d < offset.length; d++) {
      x = x.slice(d + 2, offset[d], offset[d] + padded.size(d + 2) - size + 1);
    }
    return x;
  }

  /** The next place of the window, or false after the last. */
  private boolean next(int[] offset) {
    for (int d = 0; d < offset.length; d++) {
      if (++offset[d] < size) {
        return true;
      }
      offset[d] = 0;
    }
    return false;
  }
}

package org.tikhon.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Derivatives: gradients, products with Jacobians and Hessians, traces, and checks by finite
 * differences.
 */
public final class Autograd {
  private Autograd() {}

  /** Switches recording off until it is closed. Guards nest and must be closed in reverse order. */
  public static final class NoGrad implements AutoCloseable {
    private final AutoGradMode mode = new AutoGradMode(false);

    private NoGrad() {}

    @Override
    public void close() {
      mode.close();
    }
  }

  /**
   * Nothing in the block is recorded for differentiation: {@code try (var off = Autograd.noGrad())
   * {...}}.
   */
  public static NoGrad noGrad() {
    Engine.load();
    return new NoGrad();
  }

  /**
   * The gradients of a scalar with respect to inputs.
   *
   * @param createGraph whether the gradients can be differentiated again
   * @return one tensor per input, of its shape; zeros where the output does not depend on it
   */
  public static List<Tensor> grad(Tensor output, List<Tensor> inputs, boolean createGraph) {
    return vjp(List.of(output), inputs, List.of(), createGraph, createGraph);
  }

  /** The gradient of a scalar with respect to one input. */
  public static Tensor grad(Tensor output, Tensor input) {
    return grad(output, List.of(input), false).getFirst();
  }

  /**
   * The vector-Jacobian product {@code v^T (d output / d input)}.
   *
   * @param v a tensor of the output's shape
   */
  public static List<Tensor> vjp(
      Tensor output, List<Tensor> inputs, Tensor v, boolean createGraph) {
    return vjp(List.of(output), inputs, List.of(v), createGraph, true);
  }

  private static List<Tensor> vjp(
      List<Tensor> outputs,
      List<Tensor> inputs,
      List<Tensor> v,
      boolean createGraph,
      boolean retainGraph) {
    return Tensor.call(
        () -> {
          try (TensorVector out = Tensor.vector(outputs);
              TensorVector in = Tensor.vector(inputs);
              TensorVector vectors = v.isEmpty() ? new TensorVector() : Tensor.vector(v);
              BoolOptional retain = new BoolOptional(retainGraph);
              TensorVector grads = torch.grad(out, in, vectors, retain, createGraph, true)) {
            List<Tensor> result = new ArrayList<>(inputs.size());
            for (int i = 0; i < inputs.size(); i++) {
              org.bytedeco.pytorch.Tensor g = grads.get(i);
              result.add(g.defined() ? Tensor.alias(g) : inputs.get(i).zerosLike());
            }
            return result;
          }
        });
  }

  /**
   * The Jacobian-vector product {@code (d output / d input) v}, by differentiating {@code u^T J}
   * with respect to u.
   *
   * @param v one tensor per input, of its shape
   * @return a tensor of the output's shape
   */
  public static Tensor jvp(Tensor output, List<Tensor> inputs, List<Tensor> v) {
    return jvp(output, inputs, v, false);
  }

  /**
   * As {@link #jvp(Tensor, List, List)}.
   *
   * @param createGraph whether the product can be differentiated again
   */
  public static Tensor jvp(
      Tensor output, List<Tensor> inputs, List<Tensor> v, boolean createGraph) {
    Tensor u = output.detach().zerosLike().setRequiresGrad(true);
    List<Tensor> uj = vjp(List.of(output), inputs, List.of(u), true, true);
    Tensor inner = dot(uj, v);
    return inner.requiresGrad()
        ? vjp(List.of(inner), List.of(u), List.of(), createGraph, true).getFirst()
        : output.zerosLike();
  }

  /** The Hessian-vector product of a scalar that was computed from {@code inputs}. */
  public static List<Tensor> hvp(Tensor output, List<Tensor> inputs, List<Tensor> v) {
    List<Tensor> gradient = vjp(List.of(output), inputs, List.of(), true, true);
    Tensor inner = dot(gradient, v);
    if (!inner.requiresGrad()) {
      return inputs.stream().map(Tensor::zerosLike).toList();
    }
    return vjp(List.of(inner), inputs, List.of(), false, true);
  }

  /**
   * Hutchinson's estimate of the trace of the Hessian of a scalar: the mean of {@code v^T H v} over
   * random signs v. Its variance is twice the sum of the squared off-diagonal elements, divided by
   * the number of samples.
   */
  public static double hessianTrace(Tensor output, List<Tensor> inputs, int samples, Rng rng) {
    if (samples < 1) {
      throw new IllegalArgumentException("samples must be at least 1, was " + samples);
    }
    double sum = 0;
    for (int s = 0; s < samples; s++) {
      try (Scope scope = Scope.open()) {
        List<Tensor> v = inputs.stream().map(x -> rng.signs(x.dtype(), x.shape())).toList();
        sum += dot(hvp(output, inputs, v), v).item();
      }
    }
    return sum / samples;
  }

  /** The sum of the inner products of two lists of tensors with equal shapes. */
  public static Tensor dot(List<Tensor> a, List<Tensor> b) {
    if (a.size() != b.size() || a.isEmpty()) {
      throw new IllegalArgumentException(
          "lists of " + a.size() + " and " + b.size() + " tensors have no inner product");
    }
    Tensor sum = a.getFirst().mul(b.getFirst()).sum();
    for (int i = 1; i < a.size(); i++) {
      sum = sum.add(a.get(i).mul(b.get(i)).sum());
    }
    return sum;
  }

  /**
   * The gradient of each element of a vector of losses: a row per sample, the parameters flattened
   * and joined. One backward pass per sample; memory for {@code samples x parameters} elements.
   *
   * @param losses {@code [n]}, computed from {@code parameters}
   * @return {@code [n, total number of parameters]}
   */
  public static Tensor perSampleGrad(Tensor losses, List<Tensor> parameters) {
    if (losses.dim() != 1) {
      throw new IllegalArgumentException(
          "losses must be a vector, it has " + losses.dim() + " dimensions");
    }
    try (Scope scope = Scope.open()) {
      List<Tensor> rows = new ArrayList<>();
      for (long i = 0; i < losses.size(0); i++) {
        rows.add(flatten(vjp(List.of(losses.get(i)), parameters, List.of(), false, true)));
      }
      return scope.keep(Tensor.stack(rows, 0));
    }
  }

  /** Flattens and joins tensors into one vector. */
  public static Tensor flatten(List<Tensor> tensors) {
    return Tensor.cat(tensors.stream().map(Tensor::flatten).toList(), 0);
  }

  /**
   * Cuts a vector into tensors with the shapes of {@code like}; the inverse of {@link #flatten}.
   */
  public static List<Tensor> unflatten(Tensor vector, List<Tensor> like) {
    long[] sizes = like.stream().mapToLong(Tensor::numel).toArray();
    List<Tensor> pieces = vector.split(sizes, 0);
    return IntStream.range(0, sizes.length)
        .mapToObj(i -> pieces.get(i).reshape(like.get(i).shape()))
        .toList();
  }

  /**
   * A value with somebody else's derivative: forward it is {@code value}, backward it is {@code
   * surrogate}. This is how a custom backward is written: choose a surrogate whose derivative is
   * the one that you want, for example {@code x} for the straight-through estimator, or {@code
   * x.mul(slope)} with a detached slope. Differentiable as often as the surrogate is.
   */
  public static Tensor custom(Tensor value, Tensor surrogate) {
    return value.detach().add(surrogate.sub(surrogate.detach()));
  }

  /**
   * Forward a non-differentiable {@code value} of x, backward the identity (straight-through
   * estimator).
   */
  public static Tensor straightThrough(Tensor value, Tensor x) {
    return custom(value, x);
  }

  /**
   * The largest difference between the gradient of a scalar function and central finite
   * differences, relative to {@code max(1, |difference quotient|)}.
   *
   * @param function maps the inputs to a scalar
   * @param inputs FLOAT64 tensors; every element is varied by 1e-6
   */
  public static double checkGrad(Function<List<Tensor>, Tensor> function, List<Tensor> inputs) {
    double step = 1e-6;
    double worst = 0;
    try (Scope scope = Scope.open()) {
      for (Tensor input : inputs) {
        if (input.dtype() != Dtype.FLOAT64) {
          throw new IllegalArgumentException("inputs must be FLOAT64, one is " + input.dtype());
        }
      }
      List<Tensor> leaves =
          inputs.stream().map(x -> x.detach().cloned().contiguous().setRequiresGrad(true)).toList();
      List<Tensor> gradients = grad(function.apply(leaves), leaves, false);
      for (int k = 0; k < leaves.size(); k++) {
        double[] analytic = gradients.get(k).toDoubleArray();
        Tensor flat = leaves.get(k).detach().view(-1);
        for (int i = 0; i < analytic.length; i++) {
          try (Scope inner = Scope.open();
              NoGrad off = noGrad()) {
            Tensor element = flat.get(i);
            double x = element.item();
            element.fill_(x + step);
            double above = function.apply(leaves).item();
            element.fill_(x - step);
            double below = function.apply(leaves).item();
            element.fill_(x);
            double numeric = (above - below) / (2 * step);
            worst =
                Math.max(worst, Math.abs(numeric - analytic[i]) / Math.max(1, Math.abs(numeric)));
          }
        }
      }
    }
    return worst;
  }
}

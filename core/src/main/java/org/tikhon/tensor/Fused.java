package org.tikhon.tensor;

import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.TensorType;
import org.bytedeco.pytorch.Type;

/**
 * Optimiser steps that LibTorch does in one pass over the memory. The bindings lack these
 * operators, so they are called through LibTorch's dispatcher.
 */
public final class Fused {
  private static final OperatorHandle ADAM;
  private static final OperatorHandle ADAM_W;
  private static final Type.TypePtr TENSOR;
  private static final IValue NO;
  private static final IValue NONE;

  static {
    Engine.load();
    Dispatcher dispatcher = Dispatcher.singleton();
    ADAM = dispatcher.findSchemaOrThrow("aten::_fused_adam_", "");
    ADAM_W = dispatcher.findSchemaOrThrow("aten::_fused_adamw_", "");
    TENSOR = new Type.TypePtr(TensorType.get());
    NO = new IValue(false);
    NONE = new IValue();
  }

  private Fused() {}

  /**
   * The constants of Adam.
   *
   * @param decoupled AdamW's weight decay instead of Adam's
   */
  public record AdamConstants(
      double learningRate,
      double beta1,
      double beta2,
      double weightDecay,
      double epsilon,
      boolean decoupled) {}

  /**
   * A step of Adam or AdamW, in place, of one parameter with its moments. All four tensors are
   * contiguous and have one shape, one floating-point type and one device.
   *
   * @param step the number of this step, from 1
   */
  public static void adam_(
      Tensor parameter, Tensor gradient, Tensor m, Tensor v, long step, AdamConstants c) {
    Tensor.call(
        () -> {
          try (Tensor steps = Tensor.scalar(step);
              IValue p = list(parameter);
              IValue g = list(gradient);
              IValue first = list(m);
              IValue second = list(v);
              IValue none = list();
              IValue t = list(steps);
              IValue lr = new IValue(c.learningRate);
              IValue b1 = new IValue(c.beta1);
              IValue b2 = new IValue(c.beta2);
              IValue decay = new IValue(c.weightDecay);
              IValue epsilon = new IValue(c.epsilon);
              IValueVector stack =
                  new IValueVector(
                      p, g, first, second, none, t, lr, b1, b2, decay, epsilon, NO, NO, NONE,
                      NONE)) {
            (c.decoupled ? ADAM_W : ADAM).callBoxed(stack);
            return null;
          }
        });
  }

  private static IValue list(Tensor... tensors) {
    try (GenericList list = new GenericList(TENSOR)) {
      for (Tensor tensor : tensors) {
        try (IValue value = new IValue(tensor.raw)) {
          list.push_back(value);
        }
      }
      return new IValue(list);
    }
  }
}

package org.tikhon.loss;

import java.util.Arrays;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Task;

/** Checks of pixel logits {@code [b, classes, ...]} and label maps {@code [b, ...]}. */
final class PixelInput {
  private PixelInput() {}

  static void check(Tensor logits, Tensor labels, int classes) {
    long[] expected = labels.shape().clone();
    long[] own = logits.shape();
    boolean fits = own.length == expected.length + 1 && own.length >= 3 && own[1] == classes;
    for (int d = 1; fits && d < expected.length; d++) {
      fits = own[d + 1] == expected[d];
    }
    if (!fits || own[0] != expected[0]) {
      throw new IllegalArgumentException(
          "logits must have shape [b, %d, ...] and labels [b, ...] with the same sizes, have %s and %s"
              .formatted(classes, Arrays.toString(own), Arrays.toString(expected)));
    }
    if (!logits.detach().allFinite()) {
      throw new IllegalArgumentException("logits are not finite everywhere");
    }
    Tensor wrong =
        labels.ge(classes).logicalOr(labels.lt(0).logicalAnd(labels.ne(Task.Segmentation.IGNORED)));
    Tensor places = wrong.nonzero();
    if (places.size(0) > 0) {
      long[] at = places.select(0, 0).toLongArray();
      String[] axes =
          at.length == 3 ? new String[] {"b", "y", "x"} : new String[] {"b", "z", "y", "x"};
      StringBuilder text = new StringBuilder();
      Tensor label = labels;
      for (int d = 0; d < at.length; d++) {
        text.append(d == 0 ? "" : ",").append(axes[d]).append('=').append(at[d]);
        label = label.select(0, at[d]);
      }
      throw new IllegalArgumentException(
          "label %d at (%s) outside 0..%d".formatted(label.itemLong(), text, classes - 1));
    }
  }

  static int checkClasses(int classes) {
    if (classes < 2) {
      throw new IllegalArgumentException("classes must be at least 2, was " + classes);
    }
    return classes;
  }

  /** 1 where a pixel counts, FLOAT32 {@code [b, 1, ...]}. */
  static Tensor valid(Tensor labels) {
    return labels.ge(0).to(Dtype.FLOAT32).unsqueeze(1);
  }

  /** The mean over the pixels that count of losses {@code [b, ...]}, 0 where none does. */
  static Tensor mean(Tensor losses, Tensor labels) {
    Tensor valid = labels.ge(0).to(losses.dtype());
    return losses.mul(valid).sum().div(valid.sum().clampMin(1));
  }
}

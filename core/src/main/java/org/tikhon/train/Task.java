package org.tikhon.train;

/** What is to be learnt. */
public sealed interface Task {
  /** The number of outputs that a network needs. */
  int outputs();

  /** One of several classes; a network gives a logit for each. */
  record Classification(int classes) implements Task {
    public Classification {
      if (classes < 2) {
        throw new IllegalArgumentException(
            "a classification needs at least 2 classes, there is " + classes);
      }
    }

    @Override
    public int outputs() {
      return classes;
    }
  }

  /**
   * One of several classes for every pixel of an image {@code [channels, h, w]}: targets are INT64
   * {@code [h, w]}, a network gives logits {@code [classes, h, w]}. Class 0 is the background.
   */
  record Segmentation(int classes) implements Task {
    /** The target of a pixel that counts neither in training nor in evaluation. */
    public static final long IGNORED = -100;

    public Segmentation {
      if (classes < 2) {
        throw new IllegalArgumentException(
            "a segmentation needs at least 2 classes, there is " + classes);
      }
    }

    @Override
    public int outputs() {
      return classes;
    }
  }

  /** A number, standardised with the training set's mean and deviation. */
  record Regression() implements Task {
    @Override
    public int outputs() {
      return 1;
    }
  }
}

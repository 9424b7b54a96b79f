package org.tikhon.lab.claim.adapt;

import java.util.Arrays;
import java.util.List;
import org.tikhon.nn.Gpt;
import org.tikhon.nn.Module;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Optimizer;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A generated language with a regular grammar: the next of 24 symbols depends on the last two. Each
 * pair has its own random order of the symbols, and the k-th of it follows with a probability in
 * proportion to {@code k^-1.5}. A small decoder needs all its weights to know the 576 orders, so
 * that an error in them shows.
 */
final class ToyGrammar {
  private static final int VOCABULARY = 24;
  private static final double EXPONENT = 1.5;
  private static final int CONTEXT = 32;
  private static final int BATCH = 32;

  /** For each pair the symbols in falling probability. */
  private final int[][] orders = new int[VOCABULARY * VOCABULARY][];

  /** The distribution function over places in an order. */
  private final double[] cumulative = new double[VOCABULARY];

  ToyGrammar(Rng rng) {
    Tensor keys = rng.uniform(orders.length, VOCABULARY);
    Arrays.setAll(orders, pair -> keys.get(pair).argsort(0, false).toIntArray());
    double sum = 0;
    for (int k = 0; k < VOCABULARY; k++) {
      sum += Math.pow(k + 1.0, -EXPONENT);
      cumulative[k] = sum;
    }
    for (int k = 0; k < VOCABULARY; k++) {
      cumulative[k] /= sum;
    }
  }

  /** A text as INT64 tokens. */
  Tensor tokens(int length, Rng rng) {
    // Drawn at once: a call for each number would cost more than all the rest.
    float[] uniform = rng.uniform(length).toFloatArray();
    int[] text = new int[length];
    for (int n = 2; n < length; n++) {
      int place = 0;
      while (uniform[n] >= cumulative[place] && place < VOCABULARY - 1) {
        place++;
      }
      text[n] = orders[text[n - 2] * VOCABULARY + text[n - 1]][place];
    }
    return Tensor.of(text).to(Dtype.INT64);
  }

  /** A decoder with 2 layers of 64 features. */
  static Module decoder(Rng rng) {
    return new Gpt(VOCABULARY, CONTEXT, 64, 2, 4, 0, rng);
  }

  /** Trains by AdamW without decay on random windows. */
  static void train(
      Module network, List<Tensor> parameters, Tensor corpus, double rate, int steps, Rng rng) {
    Optimizer adam = Adam.adamW(parameters, rate, 0);
    for (int step = 0; step < steps; step++) {
      try (Scope scope = Scope.open()) {
        adam.scaleLearningRate(0.5 * (1 + Math.cos(Math.PI * step / steps)));
        adam.zeroGrad();
        Tensor start = rng.integers(0, corpus.size(0) - CONTEXT, BATCH);
        windowLoss(network, corpus, start).backward();
        adam.step();
      }
    }
  }

  /** The mean cross-entropy of the next token, over all windows of a text. */
  static double loss(Module network, Tensor corpus) {
    double sum = 0;
    long windows = 0;
    for (long at = 0; at + CONTEXT < corpus.size(0); at += (long) BATCH * CONTEXT) {
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad()) {
        long count = Math.min(BATCH, (corpus.size(0) - 1 - at) / CONTEXT);
        Tensor start = Tensor.arange(count).mul(CONTEXT).add(at);
        sum += count * windowLoss(network, corpus, start).item();
        windows += count;
      }
    }
    return sum / windows;
  }

  private static Tensor windowLoss(Module network, Tensor corpus, Tensor start) {
    Tensor places = start.unsqueeze(1).add(Tensor.arange(CONTEXT + 1));
    Tensor tokens = corpus.indexSelect(0, places.flatten()).view(start.size(0), CONTEXT + 1);
    Tensor logits = network.forward(tokens.narrow(1, 0, CONTEXT));
    return Functional.crossEntropy(
        logits.reshape(-1, VOCABULARY), tokens.narrow(1, 1, CONTEXT).reshape(-1));
  }
}

package org.tikhon.nn;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A perceptron for tables: the first columns are numbers, the last are the codes of categorical
 * columns, each of which gets an embedding of {@code min(50, (cardinality + 1) / 2)} features.
 */
public final class TabularMlp extends Backbone {
  private final int numeric;
  private final List<Embedding> embeddings = new ArrayList<>();
  private final Sequential body;
  private final long featureSize;

  /**
   * @param numeric the number of numeric columns
   * @param cardinalities the number of codes of each categorical column
   */
  public TabularMlp(
      int numeric,
      List<Integer> cardinalities,
      List<Integer> hidden,
      long out,
      double dropout,
      Rng rng) {
    this.numeric = numeric;
    long width = numeric;
    for (int i = 0; i < cardinalities.size(); i++) {
      int features = Math.min(50, (cardinalities.get(i) + 1) / 2);
      embeddings.add(
          child(
              "embedding" + i, new Embedding(rng.normal(cardinalities.get(i), features).mul(0.1))));
      width += features;
    }
    body = child("body", Mlp.hiddenLayers(width, hidden, dropout, false, rng));
    featureSize = hidden.isEmpty() ? width : hidden.getLast();
    head(new Linear(featureSize, out, rng));
  }

  /**
   * The numbers and the categories' vectors, {@code [batch, numeric + categorical] -> [batch,
   * width]}.
   */
  @Override
  public Tensor embed(Tensor x) {
    List<Tensor> parts = new ArrayList<>();
    parts.add(x.slice(1, 0, numeric));
    for (int i = 0; i < embeddings.size(); i++) {
      parts.add(embeddings.get(i).forward(x.select(1, numeric + i).to(Dtype.INT64)));
    }
    return Tensor.cat(parts, 1);
  }

  @Override
  public Tensor body(Tensor embedded) {
    return body.forward(embedded);
  }

  @Override
  public long featureSize() {
    return featureSize;
  }
}

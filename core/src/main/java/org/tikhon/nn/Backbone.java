package org.tikhon.nn;

import org.tikhon.tensor.Tensor;

/**
 * A network that is a feature extractor with a head on top, so that a system can use the features
 * or replace the head: {@code forward(x) = head(body(embed(x)))}. Inputs that are not numbers
 * (codes of words or categories) become vectors in {@link #embed}; what comes out of it can be
 * mixed, perturbed or differentiated.
 */
public abstract class Backbone extends Module {
  private Module head;

  /** Registers the head under the name {@code head}. */
  protected final void head(Module module) {
    head = child("head", module);
  }

  /** Inputs as continuous numbers; the inputs themselves unless a backbone says otherwise. */
  public Tensor embed(Tensor x) {
    return x;
  }

  /** Features of embedded inputs, {@code [batch, featureSize]}. */
  public abstract Tensor body(Tensor embedded);

  /** Features of a batch, {@code [batch, featureSize]}. */
  public final Tensor features(Tensor x) {
    return body(embed(x));
  }

  public abstract long featureSize();

  public Module head() {
    return head;
  }

  /** Puts another module on top of the features. */
  public void replaceHead(Module module) {
    head = replaceChild("head", module);
  }

  @Override
  public final Tensor forward(Tensor x) {
    return head.forward(features(x));
  }
}

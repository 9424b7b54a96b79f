package org.tikhon.adapt;

import java.util.List;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * One linear layer with a low-rank pair: {@code y = W x + s B (A dropout(x)) + bias}, {@code [...,
 * in] -> [..., out]}. Only A and B are trained. For a whole network see {@link PeftModel}.
 */
public final class LoraLinear extends Module {
  private final Linear base;
  private final LoraWeight lora;

  /**
   * Adapts a layer; its weight becomes the residual (PiSSA) or stays (LoRA). The configuration's
   * target modules are not looked at.
   */
  public LoraLinear(Linear base, LoraConfig config, Rng rng) {
    this.base = child("base_layer", base);
    base.freeze();
    PeftModel.warnAboutDropout(config);
    lora = LoraWeight.attach(base, "weight", "base_layer", LoraWeight.Layout.LINEAR, config, rng);
  }

  /** Adapts a layer whose weight is kept in 4 bits. */
  public LoraLinear(Linear base, LoraConfig config, QPissa.Settings quantization, Rng rng) {
    this.base = child("base_layer", base);
    base.freeze();
    PeftModel.warnAboutDropout(config);
    lora = LoraWeight.attachQuantized(base, "weight", "base_layer", config, quantization, rng);
  }

  @Override
  public Tensor forward(Tensor x) {
    return base.forward(x);
  }

  /** {@code W + s B A}, {@code [out, in]}. */
  public Tensor mergedWeight() {
    return lora.mergedWeight();
  }

  /** Adds the pair to the weight. */
  public void merge() {
    lora.merge();
  }

  /** Takes the pair out of the weight. */
  public void unmerge() {
    lora.unmerge();
  }

  /** The weight with its pair. */
  public LoraWeight lora() {
    return lora;
  }

  /** A and B. */
  public List<Tensor> pair() {
    return List.of(lora.a(), lora.b());
  }
}

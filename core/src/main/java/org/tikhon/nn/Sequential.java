package org.tikhon.nn;

import java.util.List;
import org.tikhon.tensor.Tensor;

/** Modules one after the other; the parts are called 0, 1, 2, .... */
public final class Sequential extends Module {
  private final List<Module> modules;

  public Sequential(List<? extends Module> modules) {
    this.modules = List.copyOf(modules);
    for (int i = 0; i < this.modules.size(); i++) {
      child(Integer.toString(i), this.modules.get(i));
    }
  }

  public Sequential(Module... modules) {
    this(List.of(modules));
  }

  @Override
  public Tensor forward(Tensor x) {
    for (Module module : modules) {
      x = module.forward(x);
    }
    return x;
  }
}

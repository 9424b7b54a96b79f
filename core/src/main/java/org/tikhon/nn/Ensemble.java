package org.tikhon.nn;

import java.util.List;
import org.tikhon.tensor.Tensor;

/**
 * Several networks whose outputs are averaged; the parts are called networks.0, networks.1, ....
 */
public final class Ensemble extends Module {
  private final List<Module> networks;

  public Ensemble(List<? extends Module> networks) {
    if (networks.isEmpty()) {
      throw new IllegalArgumentException("networks must not be empty");
    }
    this.networks = List.copyOf(networks);
    for (int i = 0; i < this.networks.size(); i++) {
      child("networks." + i, this.networks.get(i));
    }
  }

  @Override
  public Tensor forward(Tensor x) {
    Tensor sum = networks.getFirst().forward(x);
    for (Module network : networks.subList(1, networks.size())) {
      sum = sum.add(network.forward(x));
    }
    return sum.div(networks.size());
  }
}

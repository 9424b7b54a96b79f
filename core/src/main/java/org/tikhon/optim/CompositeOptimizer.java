package org.tikhon.optim;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tikhon.tensor.Tensor;

/**
 * Several optimisers with parameters of their own that act as one, such as SGD for a network's body
 * and {@link RiemannianSgd} for its head. The state's names are those of the parts after {@code
 * PART/}, where parts count from 0.
 */
public final class CompositeOptimizer implements Optimizer {
  private final List<Optimizer> parts;

  /**
   * One optimiser made of others.
   *
   * @throws IllegalArgumentException if two of them have a parameter in common
   */
  public CompositeOptimizer(Optimizer... parts) {
    if (parts.length == 0) {
      throw new IllegalArgumentException("parts must hold at least one optimiser");
    }
    this.parts = List.of(parts);
    Set<Tensor> seen = new HashSet<>();
    for (Optimizer part : parts) {
      for (Tensor parameter : part.parameters()) {
        if (!seen.add(parameter)) {
          throw new IllegalArgumentException("a parameter belongs to two of the optimisers");
        }
      }
    }
  }

  @Override
  public List<Group> groups() {
    return parts.stream().flatMap(p -> p.groups().stream()).toList();
  }

  @Override
  public long steps() {
    return parts.getFirst().steps();
  }

  @Override
  public void step() {
    parts.forEach(Optimizer::step);
  }

  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    for (int i = 0; i < parts.size(); i++) {
      String prefix = i + "/";
      parts.get(i).state().forEach((name, t) -> state.put(prefix + name, t));
    }
    return state;
  }

  @Override
  public void load(Map<String, Tensor> state) {
    for (int i = 0; i < parts.size(); i++) {
      String prefix = i + "/";
      Map<String, Tensor> part = new LinkedHashMap<>();
      state.forEach(
          (name, t) -> {
            if (name.startsWith(prefix)) {
              part.put(name.substring(prefix.length()), t);
            }
          });
      parts.get(i).load(part);
    }
  }
}

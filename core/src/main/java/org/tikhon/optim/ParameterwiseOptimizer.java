package org.tikhon.optim;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * An optimiser whose change of a parameter depends on that parameter's gradient and state only.
 *
 * <p>State is one set of tensors per parameter (momenta), kept by the subclass through {@link
 * #slot}.
 */
public abstract class ParameterwiseOptimizer implements Optimizer {
  private final List<Group> groups;
  private final Map<Tensor, Map<String, Tensor>> slots = new LinkedHashMap<>();
  private long steps;

  protected ParameterwiseOptimizer(List<Group> groups) {
    if (groups.stream().allMatch(g -> g.parameters().isEmpty())) {
      throw new IllegalArgumentException("there are no parameters to optimise");
    }
    this.groups = List.copyOf(groups);
  }

  @Override
  public List<Group> groups() {
    return groups;
  }

  @Override
  public long steps() {
    return steps;
  }

  @Override
  public void step() {
    steps++;
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      for (Group group : groups) {
        for (Tensor parameter : group.parameters()) {
          Tensor gradient = parameter.grad();
          if (gradient != null) {
            update(group, parameter, gradient);
          }
        }
      }
    }
  }

  /** Changes one parameter; {@link #steps} counts from 1. */
  protected abstract void update(Group group, Tensor parameter, Tensor gradient);

  /** A parameter's state tensor of a name, contiguous, zero at first. */
  protected final Tensor slot(Tensor parameter, String name) {
    return slots
        .computeIfAbsent(parameter, p -> new LinkedHashMap<>())
        .computeIfAbsent(name, n -> parameter.detach().contiguous().zerosLike().escape());
  }

  /**
   * The state for checkpoints: {@code step}, and {@code INDEX.NAME} for each parameter's tensors.
   */
  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    state.put("step", Tensor.of(new long[] {steps}));
    List<Tensor> parameters = parameters();
    for (int i = 0; i < parameters.size(); i++) {
      String prefix = i + ".";
      slots
          .getOrDefault(parameters.get(i), Map.of())
          .forEach((name, t) -> state.put(prefix + name, t));
    }
    return state;
  }

  @Override
  public void load(Map<String, Tensor> state) {
    steps = state.get("step").itemLong();
    List<Tensor> parameters = parameters();
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      state.forEach(
          (key, value) -> {
            int dot = key.indexOf('.');
            if (dot > 0) {
              slot(parameters.get(Integer.parseInt(key.substring(0, dot))), key.substring(dot + 1))
                  .copy_(value);
            }
          });
    }
  }
}

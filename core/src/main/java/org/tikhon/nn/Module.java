package org.tikhon.nn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A part of a network: named parameters, buffers and child modules, and a function of a tensor.
 *
 * <p>A layer registers its tensors in the constructor and reads a parameter through {@link
 * Parameter#value()}, which is the tensor itself or, after {@link #parametrize}, a function of
 * other parameters. Registered tensors live until the module is unreachable or {@link #close
 * closed}, whatever scope they were made in.
 */
public abstract class Module implements AutoCloseable {
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private final Map<String, Parameter> buffers = new LinkedHashMap<>();
  private final Map<String, Module> children = new LinkedHashMap<>();
  private boolean training = true;

  /** A named parameter or buffer of a module. */
  public static final class Parameter {
    private Tensor tensor;
    private Parametrization parametrization;

    private Parameter(Tensor tensor) {
      this.tensor = tensor;
    }

    /** The tensor that is used in the forward pass. */
    public Tensor value() {
      return parametrization == null ? tensor : parametrization.forward(tensor);
    }

    /**
     * {@code x value^T + bias}; a parametrization may know a cheaper way than to build the value
     * first, see {@link Parametrization#linear}.
     *
     * @param bias {@code [out]}, or null
     */
    public Tensor linear(Tensor x, Tensor bias) {
      return parametrization == null
          ? Functional.linear(x, tensor, bias)
          : parametrization.linear(x, tensor, bias);
    }

    /** The registered tensor, before any parametrization. */
    public Tensor original() {
      return tensor;
    }

    public boolean isParametrized() {
      return parametrization != null;
    }
  }

  /** The module's function. */
  public abstract Tensor forward(Tensor x);

  // ---- Registration, for constructors of layers

  /** Registers a trainable tensor; the order of its dimensions in memory is kept. */
  protected final Parameter parameter(String name, Tensor initial) {
    Tensor tensor = initial.isDense() ? initial.detach() : initial.detach().contiguous();
    Parameter parameter = new Parameter(tensor.setRequiresGrad(true).escape());
    parameters.put(name, parameter);
    return parameter;
  }

  /** Registers a tensor that is part of the state but not trained. */
  protected final Parameter buffer(String name, Tensor initial) {
    Parameter buffer = new Parameter(initial.detach().escape());
    buffers.put(name, buffer);
    return buffer;
  }

  /** Registers a part. */
  protected final <M extends Module> M child(String name, M module) {
    children.put(name, module);
    return module;
  }

  /** Replaces a part that was registered under the name, for example a head. */
  protected final <M extends Module> M replaceChild(String name, M module) {
    if (!children.containsKey(name)) {
      throw new IllegalArgumentException(
          "no child is called " + name + ", there are " + children.keySet());
    }
    children.put(name, module);
    return module;
  }

  // ---- Mode

  /** Switches this module and its parts to training. */
  public Module train() {
    return train(true);
  }

  /** Switches this module and its parts to evaluation. */
  public Module eval() {
    return train(false);
  }

  /** Switches this module and its parts to training or evaluation. */
  public Module train(boolean value) {
    training = value;
    children.values().forEach(c -> c.train(value));
    return this;
  }

  public boolean isTraining() {
    return training;
  }

  // ---- Structure

  /** The parts, by name. */
  public Map<String, Module> children() {
    return new LinkedHashMap<>(children);
  }

  /** This module and all modules in it, with their dotted paths; its own path is empty. */
  public Map<String, Module> namedModules() {
    Map<String, Module> result = new LinkedHashMap<>();
    collectModules("", result);
    return result;
  }

  private void collectModules(String path, Map<String, Module> result) {
    result.put(path, this);
    children.forEach(
        (name, c) -> c.collectModules(path.isEmpty() ? name : path + "." + name, result));
  }

  /** All trainable tensors with their dotted names. */
  public Map<String, Tensor> namedParameters() {
    Map<String, Tensor> result = new LinkedHashMap<>();
    visit(
        "",
        (name, tensor, trained) -> {
          if (trained) {
            result.put(name, tensor);
          }
        });
    return result;
  }

  /** All trainable tensors. */
  public List<Tensor> parameters() {
    return new ArrayList<>(namedParameters().values());
  }

  /** The number of trainable numbers. */
  public long parameterCount() {
    return parameters().stream().mapToLong(Tensor::numel).sum();
  }

  /** The names of this module's own parameters, without those of its parts. */
  public Set<String> parameterNames() {
    return Collections.unmodifiableSet(parameters.keySet());
  }

  /** One of this module's own parameters. */
  public Parameter parameter(String name) {
    Parameter parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException(
          "no parameter is called " + name + ", there are " + parameters.keySet());
    }
    return parameter;
  }

  private interface Visitor {
    void tensor(String name, Tensor tensor, boolean trained);
  }

  private void visit(String prefix, Visitor visitor) {
    parameters.forEach(
        (name, p) -> {
          String full = p.isParametrized() ? parametrizationPath(name) + ".original" : name;
          visitor.tensor(prefix + full, p.tensor, p.tensor.requiresGrad());
        });
    buffers.forEach((name, b) -> visitor.tensor(prefix + name, b.tensor, false));
    children.forEach((name, c) -> c.visit(prefix + name + ".", visitor));
  }

  // ---- Parametrization

  private static String parametrizationPath(String name) {
    return "parametrizations." + name;
  }

  /**
   * Replaces a parameter by a function of itself and of the parametrization's own parameters, as
   * {@code torch.nn.utils.parametrize} does. The original stays in the state under {@code
   * parametrizations.NAME.original}.
   */
  public void parametrize(String name, Parametrization parametrization) {
    parametrize(name, parametrization, parameter(name).original());
  }

  /**
   * As {@link #parametrize(String, Parametrization)}, with another tensor as the original, which
   * the parametrization turns into the weight: packed, quantised numbers for example. The tensor
   * that was registered before is let go.
   */
  public void parametrize(String name, Parametrization parametrization, Tensor original) {
    Parameter parameter = parameter(name);
    if (parameter.isParametrized()) {
      throw new IllegalArgumentException("parameter " + name + " is parametrized already");
    }
    if (original != parameter.tensor) {
      parameter.tensor = original.detach().escape();
    }
    parameter.parametrization = parametrization;
    parameter.tensor.setRequiresGrad(parametrization.trainsOriginal());
    child(parametrizationPath(name), parametrization);
  }

  /**
   * Ends a parametrization: the parameter becomes a plain trainable tensor again, with the computed
   * value.
   */
  public void unparametrize(String name) {
    Parameter parameter = parameter(name);
    if (!parameter.isParametrized()) {
      throw new IllegalArgumentException("parameter " + name + " is not parametrized");
    }
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor value = parameter.value();
      if (Arrays.equals(value.shape(), parameter.tensor.shape())) {
        parameter.tensor.copy_(value);
      } else {
        parameter.tensor = value.detach().contiguous().escape();
      }
    }
    parameter.parametrization = null;
    parameter.tensor.setRequiresGrad(true);
    children.remove(parametrizationPath(name));
  }

  // ---- State

  /** All parameters and buffers by dotted name. The tensors are the module's own, not copies. */
  public Map<String, Tensor> stateDict() {
    Map<String, Tensor> result = new LinkedHashMap<>();
    visit("", (name, tensor, trained) -> result.put(name, tensor));
    return result;
  }

  /**
   * Copies values into the parameters and buffers.
   *
   * @throws IllegalArgumentException if a name is missing or unknown, or a shape differs
   */
  public void loadStateDict(Map<String, Tensor> state) {
    Map<String, Tensor> own = stateDict();
    List<String> missing = own.keySet().stream().filter(n -> !state.containsKey(n)).toList();
    List<String> unknown = state.keySet().stream().filter(n -> !own.containsKey(n)).toList();
    if (!missing.isEmpty() || !unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "the state does not fit: missing " + missing + ", unknown " + unknown);
    }
    own.forEach(
        (name, tensor) -> {
          if (!Arrays.equals(tensor.shape(), state.get(name).shape())) {
            throw new IllegalArgumentException(
                "%s has shape %s, the state has %s"
                    .formatted(
                        name,
                        Arrays.toString(tensor.shape()),
                        Arrays.toString(state.get(name).shape())));
          }
        });
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      own.forEach((name, tensor) -> tensor.copy_(state.get(name)));
    }
  }

  /** Puts the module's own tensors back; see {@link #substitute}. */
  public static final class Substitution implements AutoCloseable {
    private final Map<Parameter, Tensor> originals = new LinkedHashMap<>();

    private Substitution() {}

    @Override
    public void close() {
      originals.forEach((parameter, tensor) -> parameter.tensor = tensor);
    }
  }

  /**
   * Lets the module compute with other tensors until the result is closed, without copying: the
   * averaged weights of a teacher, weights that are functions of something else.
   *
   * @param state tensors by dotted name; those that are missing keep the module's own
   */
  public Substitution substitute(Map<String, Tensor> state) {
    Substitution substitution = new Substitution();
    substitute("", state, substitution);
    return substitution;
  }

  private void substitute(String prefix, Map<String, Tensor> state, Substitution substitution) {
    Consumer<Map.Entry<String, Parameter>> replace =
        entry -> {
          Parameter parameter = entry.getValue();
          String name =
              parameter.isParametrized()
                  ? parametrizationPath(entry.getKey()) + ".original"
                  : entry.getKey();
          Tensor other = state.get(prefix + name);
          if (other != null) {
            substitution.originals.put(parameter, parameter.tensor);
            parameter.tensor = other;
          }
        };
    parameters.entrySet().forEach(replace);
    buffers.entrySet().forEach(replace);
    children.forEach((name, c) -> c.substitute(prefix + name + ".", state, substitution));
  }

  /** Makes every trainable tensor of this module fixed. */
  public Module freeze() {
    parameters().forEach(p -> p.setRequiresGrad(false));
    return this;
  }

  /** Applies an action to this module and all modules in it. */
  public void apply(Consumer<Module> action) {
    children.values().forEach(c -> c.apply(action));
    action.accept(this);
  }

  /** The type of the first parameter, FLOAT32 where there is none. */
  public Dtype dtype() {
    return stateDict().values().stream()
        .map(Tensor::dtype)
        .filter(Dtype::isFloatingPoint)
        .findFirst()
        .orElse(Dtype.FLOAT32);
  }

  /** Frees all parameters and buffers. */
  @Override
  public void close() {
    stateDict().values().forEach(Tensor::close);
  }
}

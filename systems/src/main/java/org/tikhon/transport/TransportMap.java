package org.tikhon.transport;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A fitted map: moves points that it has never seen.
 *
 * <p>It is saved as a safetensors file. A {@link MapNetwork}, or a {@link StructuredMap} with one
 * and a cost that has a name, is described in the file and opened without further ado; for another
 * network give {@link #open(Path, Module)} one of the same structure.
 */
public final class TransportMap {
  private static final String FORMAT = "format";
  private static final String FORMAT_NAME = "tikhon-transport-map";
  private static final String STRUCTURED = "structured";
  private static final String NETWORK = "network.";
  private static final String HISTORY = "history";
  private static final long HISTORY_COLUMNS = 5;

  /** Points that are mapped at a time. */
  private static final long CHUNK = 65_536;

  /**
   * One step of a training.
   *
   * @param fit the fitting loss
   * @param penalty the Monge gap or the conservativity
   * @param total {@code fit + lambda penalty}
   * @param converged whether every solver within the step reached its tolerance
   */
  public record Step(double fit, double penalty, double total, double lambda, boolean converged) {}

  private final Module network;
  private final List<Step> history;

  TransportMap(Module network, List<Step> history) {
    this.network = network;
    this.history = history;
  }

  /** Moves points, {@code [n, d]}, whose type the result has; nothing is recorded. */
  public Tensor apply(Tensor x) {
    SampleTransport.checkPoints("x", x, 1);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      List<Tensor> parts = new ArrayList<>();
      Tensor points = x.to(network.dtype());
      for (long start = 0; start < x.size(0); start += CHUNK) {
        parts.add(network.forward(points.slice(0, start, Math.min(x.size(0), start + CHUNK))));
      }
      Tensor mapped = Tensor.cat(parts, 0).to(x.dtype()).detach();
      return scope.keep(mapped);
    }
  }

  /** Moves points, {@code [n, d]}. */
  public double[][] apply(double[][] x) {
    try (Scope scope = Scope.open()) {
      return apply(Tensor.of(x)).toDoubleRows();
    }
  }

  public Module network() {
    return network;
  }

  /** Every step of the training, in order. */
  public List<Step> history() {
    return Collections.unmodifiableList(history);
  }

  /** The number of steps within which a solver did not reach its tolerance. */
  public long unconvergedSteps() {
    return history.stream().filter(s -> !s.converged()).count();
  }

  /**
   * {@code 100 E|T(x) - T*(x)|^2 / Var(target)}, in percent: how far images are from those of the
   * optimal map, where that is known. Var is the trace of the covariance.
   *
   * @param mapped {@code [n, d]}
   * @param optimal {@code [n, d]}
   * @param target {@code [m, d]}, points of the target
   */
  public static double unexplainedVariance(Tensor mapped, Tensor optimal, Tensor target) {
    try (Scope scope = Scope.open()) {
      double error = mapped.detach().sub(optimal).square().sum(1).mean().item();
      return 100 * error / target.var(true, 0).sum().item();
    }
  }

  // ---- Files

  /** Writes weights, description and history, never half a file. */
  public void save(Path path) throws IOException {
    save(path, Map.of());
  }

  /** As {@link #save(Path)}, with short texts that {@link #notes(Path)} reads. */
  public void save(Path path, Map<String, String> notes) throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>(notes);
    metadata.put(FORMAT, FORMAT_NAME);
    Module described = network;
    if (network instanceof StructuredMap structured) {
      metadata.put(STRUCTURED, structured.cost().name());
      described = structured.field();
    }
    if (described instanceof MapNetwork known) {
      metadata.putAll(known.spec().notes());
    }
    try (Scope scope = Scope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      network.stateDict().forEach((name, t) -> tensors.put(NETWORK + name, t));
      tensors.put(HISTORY, historyTensor());
      Safetensors.write(path, tensors, metadata);
    }
  }

  private Tensor historyTensor() {
    double[] values =
        history.stream()
            .flatMapToDouble(
                s -> DoubleStream.of(s.fit, s.penalty, s.total, s.lambda, s.converged ? 1 : 0))
            .toArray();
    return Tensor.of(values, history.size(), HISTORY_COLUMNS);
  }

  /** Whether a file says that it is a saved map. */
  public static boolean isMap(Path path) throws IOException {
    return FORMAT_NAME.equals(notes(path).get(FORMAT));
  }

  /** The short texts in a file. */
  public static Map<String, String> notes(Path path) throws IOException {
    try (Safetensors file = Safetensors.open(path)) {
      return Map.copyOf(file.metadata());
    }
  }

  /**
   * Opens a saved map.
   *
   * @throws DataException if the file is no map, or one of a network that it does not describe
   */
  public static TransportMap open(Path path) throws IOException {
    Map<String, String> notes = checkedNotes(path);
    if (!notes.containsKey("kind")) {
      throw new DataException(
          path + ": the map's network is not described in the file; open it with such a network");
    }
    MapNetwork network = new MapNetwork(MapNetwork.Spec.of(notes), new Rng(0));
    String structured = notes.get(STRUCTURED);
    if (structured == null) {
      return open(path, network);
    }
    if (!(GroundCost.named(structured) instanceof ConvexCost cost)) {
      throw new DataException(
          "%s: a structured map needs a strictly convex cost, has %s".formatted(path, structured));
    }
    return open(path, StructuredMap.of(cost, network));
  }

  /**
   * Opens a saved map into a network of the same structure.
   *
   * @throws DataException if the file is no map or does not fit
   */
  public static TransportMap open(Path path, Module network) throws IOException {
    checkedNotes(path);
    try (Scope scope = Scope.open()) {
      Map<String, Tensor> weights = new LinkedHashMap<>();
      Tensor history = null;
      for (Map.Entry<String, Tensor> entry : Safetensors.read(path).entrySet()) {
        if (entry.getKey().startsWith(NETWORK)) {
          weights.put(entry.getKey().substring(NETWORK.length()), entry.getValue());
        } else if (entry.getKey().equals(HISTORY)) {
          history = entry.getValue();
        }
      }
      try {
        network.loadStateDict(weights);
      } catch (IllegalArgumentException e) {
        throw new DataException(path + ": " + e.getMessage(), e);
      }
      network.eval();
      return new TransportMap(network, steps(path, history));
    }
  }

  private static List<Step> steps(Path path, Tensor history) {
    if (history == null || history.dim() != 2 || history.size(1) != HISTORY_COLUMNS) {
      throw new DataException(path + ": the map has no history as expected");
    }
    List<Step> steps = new ArrayList<>();
    for (double[] s : history.size(0) == 0 ? new double[0][] : history.toDoubleRows()) {
      steps.add(new Step(s[0], s[1], s[2], s[3], s[4] == 1));
    }
    return steps;
  }

  private static Map<String, String> checkedNotes(Path path) throws IOException {
    Map<String, String> notes = notes(path);
    if (!FORMAT_NAME.equals(notes.get(FORMAT))) {
      throw new DataException(path + ": not a saved transport map");
    }
    return notes;
  }
}

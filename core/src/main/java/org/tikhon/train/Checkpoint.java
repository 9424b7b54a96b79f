package org.tikhon.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The state of a training after a number of epochs, as a safetensors file that is never
 * half-written.
 *
 * @param epoch the number of finished epochs
 * @param notes short texts that travel with the tensors
 */
public record Checkpoint(int epoch, Map<String, Tensor> state, Map<String, String> notes) {
  private static final String EPOCH = "epoch";

  /** Writes a learner's state. */
  public static void save(Path path, int epoch, Learner learner, Map<String, String> notes)
      throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>(notes);
    metadata.put(EPOCH, Integer.toString(epoch));
    try (Scope scope = Scope.open()) {
      Safetensors.write(path, learner.state(), metadata);
    }
  }

  /** Reads a file that {@link #save} wrote. */
  public static Checkpoint read(Path path) throws IOException {
    try (Safetensors file = Safetensors.open(path)) {
      Map<String, String> notes = new LinkedHashMap<>(file.metadata());
      String epoch = notes.remove(EPOCH);
      if (epoch == null || !epoch.matches("\\d{1,9}")) {
        throw new DataException(path + ": not a checkpoint of a training (it has no epoch)");
      }
      return new Checkpoint(Integer.parseInt(epoch), file.tensors(), notes);
    }
  }

  /** The entries whose names begin with a prefix, without it. */
  public static Map<String, Tensor> part(Map<String, Tensor> state, String prefix) {
    Map<String, Tensor> part = new LinkedHashMap<>();
    state.forEach(
        (name, t) -> {
          if (name.startsWith(prefix)) {
            part.put(name.substring(prefix.length()), t);
          }
        });
    return part;
  }
}

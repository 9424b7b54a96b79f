package org.tikhon.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Where data sets lie on this machine. */
public final class DataHome {
  private DataHome() {}

  /**
   * The folders that may hold data sets, the first to be searched first: {@code $TIKHON_DATA},
   * {@code shared/data} in the working folder or any folder above it, {@code ~/.tikhon/data},
   * {@code /usr/share/datasets} (Debian's packages).
   */
  public static List<Path> candidates() {
    List<Path> folders = new ArrayList<>();
    String variable = System.getenv("TIKHON_DATA");
    if (variable != null && !variable.isBlank()) {
      folders.add(Path.of(variable));
    }
    for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
      folders.add(p.resolve("shared").resolve("data"));
    }
    folders.add(cache());
    folders.add(Path.of("/usr/share/datasets"));
    return folders;
  }

  /** Where downloads go: {@code $TIKHON_DATA}, otherwise {@code ~/.tikhon/data}. */
  public static Path cache() {
    String variable = System.getenv("TIKHON_DATA");
    return variable != null && !variable.isBlank()
        ? Path.of(variable)
        : Path.of(System.getProperty("user.home"), ".tikhon", "data");
  }

  /**
   * The file or folder of a relative name such as {@code "mnist"} in the first folder that has it.
   */
  public static Optional<Path> find(String name) {
    return find(null, name);
  }

  /**
   * As {@link #find(String)}, looking in {@code first} before all others; {@code first} may be
   * null.
   */
  public static Optional<Path> find(Path first, String name) {
    List<Path> folders = new ArrayList<>();
    if (first != null) {
      folders.add(first);
    }
    folders.addAll(candidates());
    return folders.stream().map(f -> f.resolve(name)).filter(Files::exists).findFirst();
  }
}

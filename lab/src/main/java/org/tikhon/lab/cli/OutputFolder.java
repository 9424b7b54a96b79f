package org.tikhon.lab.cli;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/** Fills a folder as a whole: what fails on the way leaves nothing behind and nothing changed. */
final class OutputFolder {
  private OutputFolder() {}

  /** What fills the folder. */
  @FunctionalInterface
  interface Filler<T> {
    T fill(Path folder) throws IOException;
  }

  /**
   * @throws IllegalArgumentException if the folder exists with content and may not be replaced
   */
  static void check(Path out, boolean force) throws IOException {
    if (Files.exists(out) && !Files.isDirectory(out)) {
      throw new IllegalArgumentException(out + " exists and is not a folder");
    }
    if (Files.isDirectory(out) && !force && !entries(out).isEmpty()) {
      throw new IllegalArgumentException(
          out + " exists and is not empty; add --force to replace the files in it");
    }
  }

  /**
   * Lets {@code filler} write into a new folder beside {@code out}, and then moves it, or its
   * files, into place.
   */
  static <T> T fill(Path out, boolean force, Filler<T> filler) throws IOException {
    check(out, force);
    Path target = out.toAbsolutePath().normalize();
    Path parent = target.getParent();
    Files.createDirectories(parent);
    Path part =
        Files.createDirectory(
            parent.resolve(
                "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".part"));
    try {
      T result = filler.fill(part);
      if (Files.exists(target) && entries(target).isEmpty()) {
        Files.delete(target);
      }
      if (Files.exists(target)) {
        replace(part, target);
      } else {
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      }
      return result;
    } finally {
      delete(part);
    }
  }

  private static void replace(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    if (entries(from).stream().anyMatch(OutputFolder::isModel)) {
      // Weights of another layout beside the new ones would be read in their place.
      for (Path old : entries(to).stream().filter(OutputFolder::isModel).toList()) {
        Files.delete(old);
      }
    }
    for (Path file : entries(from)) {
      Path target = to.resolve(file.getFileName());
      if (Files.isDirectory(file)) {
        replace(file, target);
      } else {
        Files.move(
            file, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static boolean isModel(Path file) {
    return file.getFileName().toString().matches("model.*\\.safetensors(\\.index\\.json)?");
  }

  private static List<Path> entries(Path folder) throws IOException {
    List<Path> result = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      all.forEach(result::add);
    }
    return result;
  }

  private static void delete(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      for (Path entry : entries(path)) {
        delete(entry);
      }
    }
    Files.deleteIfExists(path);
  }
}

package org.tikhon.tensor;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.Properties;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/**
 * The native engine: loading, threads, the device for new tensors.
 *
 * <p>LibTorch and OpenBLAS keep separate thread pools, and OpenBLAS spins while it waits: with two
 * threads on two processors the training of a small perceptron took twenty times longer than with
 * one, that of a small convolutional network half as long again. {@link #threads(int)} therefore
 * sets both, and at start there is one thread, unless the environment variable {@code
 * TIKHON_THREADS} says otherwise. More pay for large networks on many idle processors.
 */
public final class Engine {
  private static final Optional<MethodHandle> OPENBLAS_SET_THREADS;
  private static volatile Device device;

  static {
    // Scopes free tensors at once, so JavaCPP need not watch the process's memory at every
    // allocation.
    defaultProperty("org.bytedeco.javacpp.maxBytes", "0");
    defaultProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    Loader.load(org.bytedeco.openblas.global.openblas_nolapack.class);
    Loader.load(torch.class);
    OPENBLAS_SET_THREADS =
        SymbolLookup.loaderLookup()
            .find("openblas_set_num_threads")
            .map(
                symbol ->
                    Linker.nativeLinker()
                        .downcallHandle(symbol, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)));
    setThreads(threadsFromEnvironment());
  }

  private Engine() {}

  private static void defaultProperty(String name, String value) {
    if (System.getProperty(name) == null) {
      System.setProperty(name, value);
    }
  }

  private static int threadsFromEnvironment() {
    String value = System.getenv("TIKHON_THREADS");
    if (value == null || value.isBlank()) {
      return 1;
    }
    try {
      int threads = Integer.parseInt(value.strip());
      if (threads >= 1) {
        return threads;
      }
    } catch (NumberFormatException e) {
      // Reported below, with the same words as a number out of range.
    }
    throw new IllegalArgumentException(
        "TIKHON_THREADS must be a whole number of at least 1, was " + value);
  }

  /** Loads the native libraries; does nothing when they are loaded already. */
  public static void load() {}

  /** Sets the number of threads of one operation, in LibTorch and in OpenBLAS. */
  public static void threads(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, was " + threads);
    }
    setThreads(threads);
  }

  private static void setThreads(int threads) {
    torch.set_num_threads(threads);
    OPENBLAS_SET_THREADS.ifPresent(
        handle -> {
          try {
            handle.invokeExact(threads);
          } catch (Throwable e) {
            throw new IllegalStateException("OpenBLAS refused " + threads + " threads", e);
          }
        });
  }

  /** The number of threads of one operation. */
  public static int threads() {
    return torch.get_num_threads();
  }

  /** Sets the device on which factories create tensors. */
  public static void device(Device value) {
    device = value;
  }

  /** The device on which factories create tensors. */
  public static Device device() {
    Device current = device;
    if (current == null) {
      current = Device.best();
      device = current;
    }
    return current;
  }

  /**
   * The version of the LibTorch build, such as {@code "2.10.0-1.5.13"} (LibTorch's, then the
   * bindings').
   */
  public static String libtorchVersion() {
    try (InputStream in =
        torch.class.getResourceAsStream("/META-INF/maven/org.bytedeco/pytorch/pom.properties")) {
      Properties properties = new Properties();
      if (in != null) {
        properties.load(in);
      }
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package org.tikhon.solve;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.nn.Conv2d;
import org.tikhon.nn.Conv3d;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The network of DCDM: maps residuals of norm 1, {@code [batch, 1, sides...]}, to search directions
 * of the same shape. It is fully convolutional: trained on one grid it works on larger ones.
 *
 * <pre>
 * a = conv(sqrt(n) input);  a = relu conv(a);  b = relu conv(a)
 * F times:  a = relu conv(b) + a;  b = relu conv(a)
 * coarse:   p = avgpool2(b);  P times:  q = relu conv(p);  p = relu conv(q) + p
 * up:       u = upsample2(p) + b;  U times:  q = relu conv(u);  u = relu conv(q) + u
 * output:   conv1x1(u)
 * </pre>
 *
 * <p>All kernels have side 3, padding with zeros, and biases. Weights and biases begin as PyTorch's
 * do; in one training with Xavier's weights and biases of 0, directions stalled before 1e-4. The
 * factor {@code sqrt(n)}, n the cells of a sample, brings the input to unit root mean square
 * whatever the resolution (ours; the output's scale is arbitrary). F, P, U are 1, 3, 2, and 2, 5, 3
 * for the large variant.
 */
public final class DirectionNet extends Module implements DirectionGenerator {
  /**
   * The size of a network.
   *
   * @param dimensions 2 or 3
   * @param channels of all hidden layers
   * @param fine F
   * @param coarse P
   * @param up U
   */
  public record Size(int dimensions, int channels, int fine, int coarse, int up) {
    public Size {
      if (dimensions != 2 && dimensions != 3) {
        throw new IllegalArgumentException("dimensions must be 2 or 3, was " + dimensions);
      }
      if (channels < 1) {
        throw new IllegalArgumentException("channels must be at least 1, was " + channels);
      }
      if (fine < 0 || coarse < 0 || up < 0) {
        throw new IllegalArgumentException(
            "fine, coarse and up must be 0 or more, were %d, %d and %d"
                .formatted(fine, coarse, up));
      }
    }

    private Map<String, String> metadata() {
      Map<String, String> metadata = new LinkedHashMap<>();
      metadata.put("format", FORMAT);
      metadata.put("dimensions", Integer.toString(dimensions));
      metadata.put("channels", Integer.toString(channels));
      metadata.put("fine", Integer.toString(fine));
      metadata.put("coarse", Integer.toString(coarse));
      metadata.put("up", Integer.toString(up));
      return metadata;
    }

    private static Size of(Map<String, String> metadata, Path path) {
      if (!FORMAT.equals(metadata.get("format"))) {
        throw new DataException(path + ": not a network of tikhon poisson train");
      }
      try {
        return new Size(
            Integer.parseInt(metadata.get("dimensions")),
            Integer.parseInt(metadata.get("channels")),
            Integer.parseInt(metadata.get("fine")),
            Integer.parseInt(metadata.get("coarse")),
            Integer.parseInt(metadata.get("up")));
      } catch (IllegalArgumentException e) {
        throw new DataException(path + ": the network's size is wrong: " + metadata, e);
      }
    }
  }

  private static final String FORMAT = "tikhon.direction-net";

  private final Size size;
  private final Module first;
  private final List<Module> fine = new ArrayList<>();
  private final List<Module> coarse = new ArrayList<>();
  private final List<Module> up = new ArrayList<>();
  private final Module head;
  private boolean padding;

  public DirectionNet(Size size, Rng rng) {
    this.size = size;
    int c = size.channels;
    first = child("first", conv(1, c, 3, rng));
    add("fine", 2 * size.fine + 2, fine, rng);
    add("coarse", 2 * size.coarse, coarse, rng);
    add("up", 2 * size.up, up, rng);
    head = child("head", conv(c, 1, 1, rng));
  }

  private void add(String name, int count, List<Module> convolutions, Rng rng) {
    for (int i = 0; i < count; i++) {
      convolutions.add(child(name + i, conv(size.channels, size.channels, 3, rng)));
    }
  }

  private Module conv(int in, int out, int kernel, Rng rng) {
    return size.dimensions == 2
        ? new Conv2d(in, out, kernel, rng)
        : new Conv3d(in, out, kernel, rng);
  }

  /** The paper's network for 64^3, in 2 dimensions; 32 657 parameters with 16 channels. */
  public static DirectionNet paper2d(int channels, Rng rng) {
    return new DirectionNet(new Size(2, channels, 1, 3, 2), rng);
  }

  /** The paper's network for 64^3. */
  public static DirectionNet paper3d(int channels, Rng rng) {
    return new DirectionNet(new Size(3, channels, 1, 3, 2), rng);
  }

  /** The paper's network for 128^3. */
  public static DirectionNet paper3dLarge(int channels, Rng rng) {
    return new DirectionNet(new Size(3, channels, 2, 5, 3), rng);
  }

  /**
   * Fills up odd sides with a layer of zeros, which is cut off again; otherwise they are refused.
   */
  public DirectionNet padding(boolean on) {
    this.padding = on;
    return this;
  }

  public Size size() {
    return size;
  }

  @Override
  public void direction(SpdOperator a, double[] unitResidual, double[] direction) {
    DirectionGenerator.of(this::forward, dtype()).direction(a, unitResidual, direction);
  }

  @Override
  public Tensor forward(Tensor x) {
    checkShape(x);
    double cells = (double) x.numel() / x.size(0);
    Tensor input = padding ? pad(x) : x;
    Tensor output = network(input.mul(Math.sqrt(cells)));
    for (int axis = 2; axis < x.dim(); axis++) {
      output = output.size(axis) == x.size(axis) ? output : output.slice(axis, 0, x.size(axis));
    }
    return output;
  }

  private void checkShape(Tensor x) {
    if (x.dim() != size.dimensions + 2 || x.size(1) != 1) {
      throw new IllegalArgumentException(
          "this network is for grids of %d dimensions, [batch, 1, sides], was given %s"
              .formatted(size.dimensions, Arrays.toString(x.shape())));
    }
    for (int axis = 2; axis < x.dim(); axis++) {
      if (x.size(axis) % 2 != 0 && !padding) {
        throw new IllegalArgumentException(
            "the grid's sides must be even for the network's pooling, or padding be on, are %s"
                .formatted(Arrays.toString(Arrays.copyOfRange(x.shape(), 2, (int) x.dim()))));
      }
    }
  }

  private static Tensor pad(Tensor x) {
    int dimensions = (int) x.dim() - 2;
    long[] pads = new long[2 * dimensions];
    for (int k = 0; k < dimensions; k++) {
      pads[2 * k + 1] = x.size(x.dim() - 1 - k) % 2;
    }
    return Arrays.stream(pads).allMatch(p -> p == 0) ? x : Functional.pad(x, 0, pads);
  }

  private Tensor network(Tensor x) {
    Tensor a = channelsLast(first.forward(x));
    a = fine.get(0).forward(a).relu();
    Tensor b = fine.get(1).forward(a).relu();
    for (int i = 2; i < fine.size(); i += 2) {
      a = fine.get(i).forward(b).relu().add(a);
      b = fine.get(i + 1).forward(a).relu();
    }
    Tensor p =
        size.dimensions == 2 ? Functional.avgPool2d(b, 2, 2, 0) : Functional.avgPool3d(b, 2, 2, 0);
    p = residual(coarse, p);
    Tensor u = Functional.upsampleNearest(p, 2).add(b);
    return head.forward(residual(up, u));
  }

  /**
   * The same numbers with the channels beside each other in memory, for the convolutions' speed.
   */
  private static Tensor channelsLast(Tensor x) {
    return x.movedim(1, -1).contiguous().movedim(-1, 1);
  }

  /** Pairs of convolutions: {@code q = relu conv(p); p = relu conv(q) + p}. */
  private static Tensor residual(List<Module> convolutions, Tensor start) {
    Tensor p = start;
    for (int i = 0; i < convolutions.size(); i += 2) {
      Tensor q = convolutions.get(i).forward(p).relu();
      p = convolutions.get(i + 1).forward(q).relu().add(p);
    }
    return p;
  }

  /** Writes the network as safetensors, atomically; its size stands in the metadata. */
  public void save(Path path) throws IOException {
    Safetensors.write(path, stateDict(), size.metadata());
  }

  /** Reads what {@link #save} wrote. */
  public static DirectionNet load(Path path) throws IOException {
    try (Safetensors file = Safetensors.open(path);
        Scope scope = Scope.open()) {
      DirectionNet net = new DirectionNet(Size.of(file.metadata(), path), new Rng(0));
      try {
        net.loadStateDict(file.tensors());
      } catch (IllegalArgumentException e) {
        throw new DataException(path + ": " + e.getMessage(), e);
      }
      return net;
    }
  }

  /**
   * The network that comes with the library, trained on an empty box with an open top: 32 x 32 in 2
   * dimensions, 16 x 16 x 16 in 3.
   */
  public static DirectionNet trained(int dimensions) {
    if (dimensions != 2 && dimensions != 3) {
      throw new IllegalArgumentException("dimensions must be 2 or 3, was " + dimensions);
    }
    String name = "direction-net-%dd.safetensors".formatted(dimensions);
    try (InputStream in = DirectionNet.class.getResourceAsStream(name)) {
      Path copy = Files.createTempFile("direction-net", ".safetensors");
      try {
        Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
        return load(copy);
      } finally {
        Files.delete(copy);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

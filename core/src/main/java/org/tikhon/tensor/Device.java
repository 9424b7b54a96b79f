package org.tikhon.tensor;

import org.bytedeco.pytorch.global.torch;

/**
 * Where a tensor lives: {@code cpu} or {@code cuda:i}. Factories create on {@link #current()},
 * which is {@link #best()} unless {@link Engine#device} was called.
 */
public record Device(String type, int index) {
  private static final Device CPU = new Device("cpu", 0);

  public Device {
    if (!type.equals("cpu") && !type.equals("cuda")) {
      throw new IllegalArgumentException("device must be cpu or cuda, was " + type);
    }
    if (index < 0) {
      throw new IllegalArgumentException("device index must be 0 or more, was " + index);
    }
  }

  public static Device cpu() {
    return CPU;
  }

  public static Device cuda(int index) {
    return new Device("cuda", index);
  }

  /** Parses {@code "cpu"}, {@code "cuda"} or {@code "cuda:1"}. */
  public static Device parse(String text) {
    int colon = text.indexOf(':');
    try {
      return colon < 0
          ? new Device(text, 0)
          : new Device(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("device must be cpu, cuda or cuda:N, was " + text, e);
    }
  }

  /** The first GPU where the build and the machine have one, otherwise the CPU. */
  public static Device best() {
    Engine.load();
    return torch.cuda_is_available() ? cuda(0) : CPU;
  }

  /** The device on which factories create tensors. */
  public static Device current() {
    return Engine.device();
  }

  public boolean isCpu() {
    return type.equals("cpu");
  }

  org.bytedeco.pytorch.Device raw() {
    return isCpu()
        ? new org.bytedeco.pytorch.Device(torch.DeviceType.CPU)
        : new org.bytedeco.pytorch.Device(torch.DeviceType.CUDA, (byte) index);
  }

  static Device of(org.bytedeco.pytorch.Device raw) {
    return raw.is_cpu() ? CPU : new Device("cuda", Math.max(0, raw.index()));
  }

  @Override
  public String toString() {
    return isCpu() ? "cpu" : "cuda:" + index;
  }
}

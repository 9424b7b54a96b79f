package org.tikhon.lab.claim;

import java.io.IOException;
import java.nio.file.Path;
import org.tikhon.data.DataException;
import org.tikhon.data.DataHome;
import org.tikhon.data.ImageSet;
import org.tikhon.lab.compare.ProblemLoader;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;

/**
 * Real images for claims.
 *
 * @param train the first training images of a seeded order
 * @param heldOut further training images, for choosing and stopping
 * @param test all test images
 */
public record ClaimImages(Dataset train, Dataset heldOut, Dataset test) {
  /**
   * Reads a data set such as {@code fashion-mnist} or {@code cifar10}, standardised with the mean
   * and deviation of the training part.
   *
   * @throws DataException if it lies in none of the usual folders
   */
  public static ClaimImages read(
      ClaimContext context, String name, int trainSize, int heldOutSize, long seed)
      throws IOException {
    ClaimImages raw = pixels(context, name, trainSize, heldOutSize, seed);
    Tensor mean = raw.train.inputs().mean(0, 2, 3);
    Tensor deviation = raw.train.inputs().std(false, 0, 2, 3);
    return new ClaimImages(
        ProblemLoader.normalized(raw.train, mean, deviation),
        ProblemLoader.normalized(raw.heldOut, mean, deviation),
        ProblemLoader.normalized(raw.test, mean, deviation));
  }

  /** Reads a data set with pixels in [0, 1]. */
  public static ClaimImages pixels(
      ClaimContext context, String name, int trainSize, int heldOutSize, long seed)
      throws IOException {
    Path folder =
        DataHome.find(context.data(), name)
            .orElseThrow(
                () ->
                    new DataException(
                        "the data set %s is not on this machine: give --data DIR, set TIKHON_DATA, or try tikhon data get %s"
                            .formatted(name, name)));
    ImageSet.Split split = ImageSet.read(folder);
    ImageSet testSet =
        split
            .test()
            .orElseThrow(() -> new DataException(folder + ": there are no test images in it"));
    Dataset all = ProblemLoader.dataset(split.train());
    if (all.size() < trainSize + heldOutSize) {
      throw new DataException(
          "%s: the claim needs %d training images, there are %d"
              .formatted(folder, trainSize + heldOutSize, all.size()));
    }
    Tensor order = new Rng(seed).permutation(all.size());
    return new ClaimImages(
        all.select(order.slice(0, 0, trainSize)),
        all.select(order.slice(0, trainSize, trainSize + heldOutSize)),
        ProblemLoader.dataset(testSet));
  }
}

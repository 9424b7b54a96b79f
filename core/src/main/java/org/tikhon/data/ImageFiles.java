package org.tikhon.data;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;

/** Pictures in files. */
final class ImageFiles {
  private ImageFiles() {}

  /** Whether the file's name ends like a picture's that can be read. */
  static boolean isImage(Path file) {
    return file.toString().matches("(?i).*\\.(png|jpe?g|bmp|gif)");
  }

  /** The picture in a file. */
  static BufferedImage decode(Path file) throws IOException {
    try {
      BufferedImage image = ImageIO.read(file.toFile());
      if (image == null) {
        throw new DataException(file + ": not a readable image");
      }
      return image;
    } catch (IIOException | UncheckedIOException e) {
      throw new DataException(file + ": not a readable image: " + e.getMessage(), e);
    }
  }

  /** Red, green and blue planes, one after the other. */
  static byte[] planes(BufferedImage image) {
    int area = image.getWidth() * image.getHeight();
    if (image.getType() == BufferedImage.TYPE_BYTE_GRAY) {
      // getRGB would convert from linear light and so change the values that the file stores.
      byte[] grey =
          (byte[])
              image.getRaster().getDataElements(0, 0, image.getWidth(), image.getHeight(), null);
      byte[] planes = new byte[3 * area];
      for (int c = 0; c < 3; c++) {
        System.arraycopy(grey, 0, planes, c * area, area);
      }
      return planes;
    }
    int[] rgb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    byte[] planes = new byte[3 * area];
    for (int i = 0; i < area; i++) {
      planes[i] = (byte) (rgb[i] >> 16);
      planes[area + i] = (byte) (rgb[i] >> 8);
      planes[2 * area + i] = (byte) rgb[i];
    }
    return planes;
  }
}

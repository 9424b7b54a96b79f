package org.tikhon.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Public data sets that can be downloaded: where they are, what they are, under which terms. */
public final class DataRegistry {
  private static final String MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/";
  private static final String FASHION =
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";
  private static final String UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases/";

  private static final List<Entry> ENTRIES =
      List.of(
          new Entry(
              "mnist",
              "handwritten digits, 60,000 + 10,000 grey images 28x28",
              "CC BY-SA 3.0 (LeCun, Cortes, Burges)",
              idxFiles(
                  MNIST,
                  "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                  "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                  "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                  "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6")),
          new Entry(
              "fashion-mnist",
              "articles of clothing, 60,000 + 10,000 grey images 28x28",
              "MIT (Xiao, Rasul, Vollgraf 2017)",
              idxFiles(
                  FASHION,
                  "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                  "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                  "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                  "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5")),
          new Entry(
              "cifar10",
              "ten kinds of objects, 50,000 + 10,000 colour images 32x32",
              "no licence given; cite Krizhevsky 2009",
              List.of(
                  file(
                      "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                      "cifar-10-binary.tar.gz",
                      "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"))),
          new Entry(
              "adult",
              "census income, 32,561 + 16,281 rows",
              "CC BY 4.0 (UCI; Becker, Kohavi 1996)",
              List.of(
                  file(
                      UCI + "adult/adult.data",
                      "adult-train.csv",
                      "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"),
                  file(UCI + "adult/adult.test", "adult-test.csv", null))),
          new Entry(
              "wine-quality",
              "ratings of white wine, 4,898 rows",
              "CC BY 4.0 (UCI; Cortez et al. 2009)",
              List.of(
                  file(
                      UCI + "wine-quality/winequality-white.csv", "winequality-white.csv", null))));

  private DataRegistry() {}

  /**
   * A data set.
   *
   * @param name also the name of its folder
   */
  public record Entry(String name, String description, String licence, List<RemoteFile> files) {}

  /**
   * A file to download.
   *
   * @param sha256 its checksum in hexadecimal, or null where the publisher gives none: then the
   *     checksum of the first download is written beside the file and later downloads are held
   *     against it
   */
  public record RemoteFile(URI url, String name, String sha256) {}

  private static RemoteFile file(String url, String name, String sha256) {
    return new RemoteFile(URI.create(url), name, sha256);
  }

  private static List<RemoteFile> idxFiles(
      String base, String trainImages, String trainLabels, String testImages, String testLabels) {
    Map<String, String> sums = new LinkedHashMap<>();
    sums.put("train-images-idx3-ubyte.gz", trainImages);
    sums.put("train-labels-idx1-ubyte.gz", trainLabels);
    sums.put("t10k-images-idx3-ubyte.gz", testImages);
    sums.put("t10k-labels-idx1-ubyte.gz", testLabels);
    return sums.entrySet().stream()
        .map(e -> file(base + e.getKey(), e.getKey(), e.getValue()))
        .toList();
  }

  public static List<Entry> entries() {
    return ENTRIES;
  }

  public static Optional<Entry> find(String name) {
    return ENTRIES.stream().filter(e -> e.name.equals(name)).findFirst();
  }

  /**
   * Downloads what is missing of a data set. A file that was cut off goes on where it was; it gets
   * its name only after its checksum was right, and an archive ({@code .tar.gz}) after its files
   * lie beside it.
   *
   * @return the data set's folder
   */
  public static Path download(Entry entry, Path cache, Consumer<String> log) throws IOException {
    Path folder = Files.createDirectories(cache.resolve(entry.name));
    for (RemoteFile file : entry.files) {
      Path target = folder.resolve(file.name);
      if (Files.exists(target)) {
        log.accept(file.name + " is there already");
        continue;
      }
      Path part = folder.resolve(file.name + ".part");
      log.accept("downloading " + file.url);
      fetch(file.url, part);
      check(file, part, folder.resolve(file.name + ".sha256"));
      if (file.name.endsWith(".tar.gz")) {
        Tar.unpackFlat(part, folder);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    }
    return folder;
  }

  private static void fetch(URI url, Path part) throws IOException {
    long have = Files.exists(part) ? Files.size(part) : 0;
    HttpRequest.Builder request = HttpRequest.newBuilder(url).timeout(Duration.ofMinutes(30));
    if (have > 0) {
      request.header("Range", "bytes=" + have + "-");
    }
    try (HttpClient client =
        HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NORMAL)
            .connectTimeout(Duration.ofSeconds(20))
            .build()) {
      HttpResponse<InputStream> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
      try (InputStream in = response.body()) {
        switch (response.statusCode()) {
          case 200 -> copy(in, part, StandardOpenOption.TRUNCATE_EXISTING);
          case 206 -> copy(in, part, StandardOpenOption.APPEND);
          case 416 -> {
            // Nothing is left to fetch: the checksum decides.
          }
          default -> throw new IOException(url + " answered " + response.statusCode());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while downloading " + url, e);
    }
  }

  private static void copy(InputStream in, Path part, StandardOpenOption how) throws IOException {
    try (OutputStream out =
        Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, how)) {
      in.transferTo(out);
    }
  }

  private static void check(RemoteFile file, Path part, Path recorded) throws IOException {
    String actual = sha256(part);
    String expected =
        file.sha256 != null
            ? file.sha256
            : Files.exists(recorded) ? Files.readString(recorded).strip() : null;
    if (expected == null) {
      AtomicFiles.writeString(recorded, actual + "\n");
    } else if (!actual.equals(expected)) {
      Files.delete(part);
      throw new DataException(
          "%s: the checksum is %s, it must be %s; the download was thrown away"
              .formatted(file.url, actual, expected));
    }
  }

  private static String sha256(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}

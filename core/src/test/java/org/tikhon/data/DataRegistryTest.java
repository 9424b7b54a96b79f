package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikhon.data.DataRegistry.Entry;
import org.tikhon.data.DataRegistry.RemoteFile;

class DataRegistryTest {
  @TempDir private Path cache;
  private HttpServer server;
  private byte[] content;
  private boolean knowsRanges = true;

  /** The first answer breaks off after so many bytes. */
  private int cutAfter = Integer.MAX_VALUE;

  private final List<String> ranges = new ArrayList<>();

  @BeforeEach
  void start() throws IOException {
    content = new byte[100_000];
    new Random(1).nextBytes(content);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      if (exchange.getRequestURI().getPath().equals("/gone")) {
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      String range = exchange.getRequestHeaders().getFirst("Range");
      ranges.add(range);
      int from = range == null || !knowsRanges ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
      if (from >= content.length) {
        exchange.sendResponseHeaders(416, -1);
        return;
      }
      int to = Math.min(content.length, cutAfter);
      cutAfter = Integer.MAX_VALUE;
      exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
      exchange.getResponseBody().write(content, from, to - from);
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private Entry entry(String name, String sha256) {
    URI url = URI.create("http://localhost:" + server.getAddress().getPort() + "/" + name);
    return new Entry("set", "a set", "none", List.of(new RemoteFile(url, name, sha256)));
  }

  private Path file() {
    return cache.resolve("set/data.bin");
  }

  private Path part() {
    return cache.resolve("set/data.bin.part");
  }

  @Test
  void aFileIsDownloadedOnceAndChecked() throws IOException {
    Entry entry = entry("data.bin", sha256(content));
    List<String> log = new ArrayList<>();
    assertThat(DataRegistry.download(entry, cache, log::add)).isEqualTo(cache.resolve("set"));
    DataRegistry.download(entry, cache, log::add);
    assertThat(file()).hasBinaryContent(content);
    assertThat(part()).doesNotExist();
    assertThat(ranges).hasSize(1);
    assertThat(log).hasSize(2).last().isEqualTo("data.bin is there already");
  }

  @Test
  void aDownloadThatBrokeOffGoesOnWhereItWas() throws IOException {
    Entry entry = entry("data.bin", sha256(content));
    cutAfter = 40_000;
    assertThatThrownBy(() -> DataRegistry.download(entry, cache, line -> {}))
        .isInstanceOf(IOException.class);
    assertThat(file()).doesNotExist();
    assertThat(part()).exists();
    long have = Files.size(part());
    DataRegistry.download(entry, cache, line -> {});
    assertThat(have).isPositive();
    assertThat(ranges).containsExactly(null, "bytes=" + have + "-");
    assertThat(file()).hasBinaryContent(content);
  }

  @Test
  void aServerWithoutRangesStartsAgain() throws IOException {
    knowsRanges = false;
    Files.createDirectories(part().getParent());
    Files.write(part(), new byte[1234]);
    DataRegistry.download(entry("data.bin", sha256(content)), cache, line -> {});
    assertThat(file()).hasBinaryContent(content);
  }

  @Test
  void aPartThatIsCompleteNeedsNoMoreBytes() throws IOException {
    Files.createDirectories(part().getParent());
    Files.write(part(), content);
    DataRegistry.download(entry("data.bin", sha256(content)), cache, line -> {});
    assertThat(file()).hasBinaryContent(content);
  }

  @Test
  void aWrongChecksumIsRefusedAndThrownAway() {
    Entry entry = entry("data.bin", "00ff");
    assertThatThrownBy(() -> DataRegistry.download(entry, cache, line -> {}))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(entry.files().getFirst().url().toString())
        .hasMessageContaining("it must be 00ff")
        .hasMessageContaining(sha256(content));
    assertThat(file()).doesNotExist();
    assertThat(part()).doesNotExist();
  }

  @Test
  void withoutAPublishedChecksumTheFirstOneIsKept() throws IOException {
    Entry entry = entry("data.bin", null);
    DataRegistry.download(entry, cache, line -> {});
    assertThat(cache.resolve("set/data.bin.sha256")).hasContent(sha256(content));
    Files.delete(file());
    content = Arrays.copyOf(content, 50_000);
    assertThatThrownBy(() -> DataRegistry.download(entry, cache, line -> {}))
        .isInstanceOf(DataException.class);
  }

  @Test
  void anArchiveIsUnpacked() throws IOException {
    content = TarTest.archive();
    DataRegistry.download(entry("set.tar.gz", sha256(content)), cache, line -> {});
    assertThat(cache.resolve("set/a.bin")).hasSize(600);
  }

  @Test
  void anErrorOfTheServerIsNamed() {
    assertThatThrownBy(() -> DataRegistry.download(entry("gone", "00"), cache, line -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("/gone answered 404");
  }

  @Test
  void everyDataSetHasUrlsAndALicence() {
    for (Entry entry : DataRegistry.entries()) {
      assertThat(DataRegistry.find(entry.name())).contains(entry);
      assertThat(entry.licence()).isNotBlank();
      assertThat(entry.files()).isNotEmpty();
      for (RemoteFile file : entry.files()) {
        assertThat(file.url().isAbsolute()).isTrue();
        // An unencrypted address needs a checksum.
        assertThat(file.sha256() != null || file.url().getScheme().equals("https")).isTrue();
        assertThat(file.sha256() == null || file.sha256().matches("[0-9a-f]{64}")).isTrue();
      }
    }
    assertThat(DataRegistry.find("nothing")).isEmpty();
  }

  @Test
  void dataAreLookedForInSeveralFoldersAlsoDebians() throws IOException {
    assertThat(DataHome.candidates()).contains(Path.of("/usr/share/datasets"), DataHome.cache());
    Path mine = Files.createDirectories(cache.resolve("fashion-mnist"));
    assertThat(DataHome.find(cache, "fashion-mnist")).contains(mine);
    assertThat(DataHome.find("there is no such data set")).isEmpty();
  }
}

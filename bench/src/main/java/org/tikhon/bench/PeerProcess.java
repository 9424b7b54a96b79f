package org.tikhon.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A script in {@code bench/peers} that is asked for a number of steps at a time: it prints its
 * PyTorch's version (another library's with its name), with what it reached where that counts ("POT
 * 0.8.2 reached 1e-9"), or a line that begins with "no" where it cannot run a variant, then reads
 * numbers of steps from standard input and answers each with the seconds that they took.
 */
final class PeerProcess implements SideBySide.Contestant, AutoCloseable {
  private final String name;
  private final double reached;
  private final Process process;
  private final BufferedReader answers;
  private final Writer questions;

  private PeerProcess(String name, double reached, Process process, BufferedReader answers) {
    this.name = name;
    this.reached = reached;
    this.process = process;
    this.answers = answers;
    this.questions = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
  }

  /** Empty where the peer has no such variant. */
  static Optional<PeerProcess> start(String python, String script, String variant)
      throws IOException {
    Process process =
        new ProcessBuilder(python, "bench/peers/" + script, variant, "--serve")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String first = answers.readLine();
    if (first == null || first.startsWith("no ")) {
      System.out.println(python + ", " + variant + ": " + first);
      process.destroy();
      return Optional.empty();
    }
    String[] said = first.split(" reached ", 2);
    String library = Character.isDigit(first.charAt(0)) ? "PyTorch " + said[0] : said[0];
    return Optional.of(
        new PeerProcess(
            library + " " + variant.split(":", 2)[0],
            said.length == 2 ? Double.parseDouble(said[1]) : Double.NaN,
            process,
            answers));
  }

  /** What the peer says it reached, or NaN. */
  double reached() {
    return reached;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public double seconds(int steps) throws IOException {
    questions.write(steps + "\n");
    questions.flush();
    return Double.parseDouble(answers.readLine());
  }

  @Override
  public void close() {
    try {
      questions.close();
      process.destroy();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package org.tikhon.lab.cli;

import java.io.PrintStream;
import java.util.Locale;

/**
 * One line of progress with a bar and the time that is left, on standard error. On a terminal it is
 * redrawn in place; otherwise a line is printed now and then, so that logs stay short.
 */
final class ProgressLine {
  private static final long REDRAW_NANOS = 200_000_000L;
  private static final long LOG_NANOS = 30_000_000_000L;
  private static final int BAR = 24;

  private final PrintStream err;
  private final boolean terminal;
  private final long start = System.nanoTime();
  private long last;
  private int width;

  ProgressLine(PrintStream err) {
    this.err = err;
    // The launcher knows whether standard error is a terminal; the JVM sees a pipe.
    this.terminal = "1".equals(System.getenv("TIKHON_TTY"));
  }

  /** Shows a fraction of the whole work and what is being done. */
  synchronized void show(double fraction, String what) {
    long now = System.nanoTime();
    if (now - last < (terminal ? REDRAW_NANOS : LOG_NANOS)) {
      return;
    }
    last = now;
    double elapsed = (now - start) / 1e9;
    String left = fraction > 0.01 ? clock(elapsed * (1 - fraction) / fraction) + " left" : "";
    int filled = (int) Math.round(BAR * fraction);
    String text =
        String.format(
            Locale.ROOT,
            "[%s%s] %3.0f %%  %s  %s",
            "#".repeat(filled),
            ".".repeat(BAR - filled),
            100 * fraction,
            left,
            what);
    if (terminal) {
      err.print("\r" + text + " ".repeat(Math.max(0, width - text.length())));
      err.flush();
      width = text.length();
    } else {
      err.println(text);
    }
  }

  /** Prints a line that stays. */
  synchronized void print(String line) {
    clear();
    err.println(line);
  }

  synchronized void clear() {
    if (terminal && width > 0) {
      err.print("\r" + " ".repeat(width) + "\r");
      err.flush();
      width = 0;
    }
  }

  static String clock(double seconds) {
    long s = Math.round(seconds);
    return s < 60
        ? s + " s"
        : s < 3600 ? s / 60 + " min " + s % 60 + " s" : s / 3600 + " h " + s % 3600 / 60 + " min";
  }
}

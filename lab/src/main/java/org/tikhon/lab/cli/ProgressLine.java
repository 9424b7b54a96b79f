package org.tikhon.lab.cli;

import java.io.PrintStream;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * One line of progress with a bar and the time that is left, on standard error. On a terminal it is
 * redrawn in place; otherwise a line is printed now and then, so that logs stay short.
 */
final class ProgressLine {
  private static final int REDRAW_MILLIS = 250;
  private static final int LOG_MILLIS = 30_000;
  private static final int WIDTH = 118;

  private final PrintStream err;
  private final boolean terminal;
  private final ProgressBar bar;
  private int drawn;
  private boolean started;
  private boolean ended;

  ProgressLine(PrintStream err) {
    this(err, "epochs");
  }

  /**
   * A line.
   *
   * @param unit of the work, in the plural
   */
  ProgressLine(PrintStream err, String unit) {
    this.err = err;
    // The launcher knows whether standard error is a terminal; the JVM sees a pipe.
    this.terminal = "1".equals(System.getenv("TIKHON_TTY"));
    this.bar =
        new ProgressBarBuilder()
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(terminal ? REDRAW_MILLIS : LOG_MILLIS)
            .setConsumer(new DelegatingProgressBarConsumer(this::draw, WIDTH))
            .setUnit(" " + unit, 1)
            .continuousUpdate()
            .build();
  }

  private synchronized void draw(String line) {
    if (!started || ended) {
      return;
    }
    if (terminal) {
      err.print("\r" + line + " ".repeat(Math.max(0, drawn - line.length())));
      err.flush();
      drawn = line.length();
    } else {
      err.println(line.strip());
    }
  }

  /** Sets how many units of the whole work are done, and what is being done. */
  synchronized void show(long done, long all, String what) {
    started = true;
    bar.maxHint(all);
    bar.stepTo(done);
    bar.setExtraMessage(what);
  }

  /** Prints a line that stays. */
  synchronized void print(String line) {
    clear();
    err.println(line);
  }

  private void clear() {
    if (drawn > 0) {
      err.print("\r" + " ".repeat(drawn) + "\r");
      err.flush();
      drawn = 0;
    }
  }

  /** Ends the drawing and takes the line away. */
  void end() {
    synchronized (this) {
      ended = true;
      clear();
    }
    bar.close();
  }
}

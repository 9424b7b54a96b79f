package org.tikhon.data;

/**
 * The content of a file or table is not what it must be. The message names the file, the place in
 * it, what was found and what is allowed; the command line prints it as one line and exits with
 * code 2.
 */
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DataException(String message) {
    super(message);
  }

  public DataException(String message, Throwable cause) {
    super(message, cause);
  }
}

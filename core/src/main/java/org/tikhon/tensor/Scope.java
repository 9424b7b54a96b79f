package org.tikhon.tensor;

import java.util.ArrayList;
import java.util.List;

/**
 * Frees the tensors that a block created, at the end of the block.
 *
 * <pre>{@code
 * try (var scope = Scope.open()) {
 *   Tensor loss = Functional.crossEntropy(model.forward(x), y);
 *   return scope.keep(loss.detach());
 * }
 * }</pre>
 *
 * <p>Scopes nest, and belong to the thread that opened them. A tensor that was created outside any
 * scope lives until it is closed or found unreachable. Freeing a tensor frees its memory only when
 * no other tensor (a view, a saved input of a derivative) needs it, exactly as in PyTorch.
 */
public final class Scope implements AutoCloseable {
  private static final ThreadLocal<Scope> CURRENT = new ThreadLocal<>();

  private final Scope parent;
  private final Thread thread = Thread.currentThread();
  private List<Tensor> tensors = new ArrayList<>();
  private int pruneAt = 1024;

  private Scope(Scope parent) {
    this.parent = parent;
  }

  /** Opens a scope inside the current one. */
  public static Scope open() {
    Scope scope = new Scope(CURRENT.get());
    CURRENT.set(scope);
    return scope;
  }

  static Scope current() {
    return CURRENT.get();
  }

  void add(Tensor tensor) {
    if (tensors.size() == pruneAt) {
      // A long-lived scope must not remember what was closed or moved away since.
      tensors.removeIf(t -> t.owner != this || t.isClosed());
      pruneAt = Math.max(1024, 2 * tensors.size());
    }
    tensors.add(tensor);
  }

  /**
   * Moves a tensor to the enclosing scope; without one it lives until it is closed or unreachable.
   */
  public Tensor keep(Tensor tensor) {
    if (tensor.owner == this) {
      tensor.owner = parent;
      if (parent != null) {
        parent.add(tensor);
      }
    }
    return tensor;
  }

  /** Moves tensors to the enclosing scope. */
  public List<Tensor> keep(List<Tensor> kept) {
    kept.forEach(this::keep);
    return kept;
  }

  /**
   * Takes a tensor out of all scopes: it lives until it is closed or unreachable. Parameters and
   * state do.
   */
  public static Tensor detachFromScope(Tensor tensor) {
    tensor.owner = null;
    return tensor;
  }

  /** Frees the scope's tensors. Closing twice does nothing. */
  @Override
  public void close() {
    if (tensors == null) {
      return;
    }
    if (CURRENT.get() != this) {
      throw new IllegalStateException(
          thread == Thread.currentThread()
              ? "an inner scope is still open"
              : "a scope must be closed by the thread that opened it");
    }
    if (parent == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(parent);
    }
    for (Tensor tensor : tensors) {
      if (tensor.owner == this) {
        tensor.close();
      }
    }
    tensors = null;
  }
}

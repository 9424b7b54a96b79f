package org.tikhon.adapt;

import org.tikhon.tensor.Special;
import org.tikhon.tensor.Tensor;

/**
 * A bounded, odd, strictly increasing function {@code w = a psi(v / b)} that is steepest at zero.
 * The scales a and b are positive scalars; the slope at zero is {@code a psi'(0) / b} and |w| stays
 * below {@code a sup psi}.
 */
public enum Compander {
  /**
   * The paper's: {@code psi(t) = arctan t}, with the heaviest tails: saturated weights come back.
   */
  ARCTAN(1, Math.PI / 2) {
    @Override
    Tensor psi(Tensor t) {
      return t.atan();
    }

    @Override
    Tensor psiDerivative(Tensor t) {
      return t.square().add(1).reciprocal();
    }

    @Override
    Tensor psiInverse(Tensor u) {
      return u.tan();
    }
  },
  /** {@code psi(t) = tanh t}. */
  TANH(1, 1) {
    @Override
    Tensor psi(Tensor t) {
      return t.tanh();
    }

    @Override
    Tensor psiDerivative(Tensor t) {
      return t.tanh().square().neg().add(1);
    }

    @Override
    Tensor psiInverse(Tensor u) {
      return u.atanh();
    }
  },
  /** {@code psi(t) = t / (1 + |t|)}. */
  SOFTSIGN(1, 1) {
    @Override
    Tensor psi(Tensor t) {
      return t.div(t.abs().add(1));
    }

    @Override
    Tensor psiDerivative(Tensor t) {
      return t.abs().add(1).square().reciprocal();
    }

    @Override
    Tensor psiInverse(Tensor u) {
      return u.div(u.abs().neg().add(1));
    }
  },
  /** The error function, whose slope at zero is {@code 2 / sqrt(pi)}. */
  ERF(2 / Math.sqrt(Math.PI), 1) {
    @Override
    Tensor psi(Tensor t) {
      return Special.erf(t);
    }

    @Override
    Tensor psiDerivative(Tensor t) {
      return t.square().neg().exp().mul(2 / Math.sqrt(Math.PI));
    }

    @Override
    Tensor psiInverse(Tensor u) {
      return Special.erfinv(u);
    }
  };

  private final double slope;
  private final double supremum;

  Compander(double slope, double supremum) {
    this.slope = slope;
    this.supremum = supremum;
  }

  abstract Tensor psi(Tensor t);

  abstract Tensor psiDerivative(Tensor t);

  abstract Tensor psiInverse(Tensor u);

  /** {@code a psi(v / b)}, for v of any shape; a and b are scalar tensors. */
  public Tensor apply(Tensor v, Tensor a, Tensor b) {
    return psi(v.div(b)).mul(a);
  }

  /** {@code dw / dv = (a / b) psi'(v / b)}. */
  public Tensor derivative(Tensor v, Tensor a, Tensor b) {
    return psiDerivative(v.div(b)).mul(a.div(b));
  }

  /**
   * The v that {@link #apply} turns into w, {@code b psi^-1(w / a)}; |w| must be below the bound.
   */
  public Tensor inverse(Tensor w, Tensor a, Tensor b) {
    return psiInverse(w.div(a)).mul(b);
  }

  /** What |w| stays below: {@code a sup psi}, for the arctan {@code a pi / 2}. */
  public double bound(double a) {
    return a * supremum;
  }

  /** The b for which the slope at zero is {@code slopeAtZero}. */
  double scaleFor(double a, double slopeAtZero) {
    return a * slope / slopeAtZero;
  }
}

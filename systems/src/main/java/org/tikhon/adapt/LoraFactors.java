package org.tikhon.adapt;

import org.tikhon.tensor.Tensor;

/**
 * A low-rank pair and what it leaves: {@code W = residual + s B A}.
 *
 * @param a {@code [r, in]}
 * @param b {@code [out, r]}
 * @param residual {@code [out, in]}, in the type of W
 */
public record LoraFactors(Tensor a, Tensor b, Tensor residual) {}

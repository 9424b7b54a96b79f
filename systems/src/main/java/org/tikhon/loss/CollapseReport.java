package org.tikhon.loss;

import java.util.Map;

/**
 * Whether training has come to rest in rounding.
 *
 * @param softmaxCollapse the fraction of samples whose softmax is exactly one-hot in the loss's
 *     type: {@code sum_k exp(z_k - max z) == 1}
 * @param zeroLoss the fraction of samples whose cross-entropy is exactly 0
 * @param nlmCosine the cosine between minus the gradient and the parameters, all together: near 1
 *     where training only scales the logits (naive loss minimisation); NaN without gradients
 * @param tensorCosines the same for each parameter
 * @param weightNorms the norm of each parameter
 */
public record CollapseReport(
    double softmaxCollapse,
    double zeroLoss,
    double nlmCosine,
    Map<String, Double> tensorCosines,
    Map<String, Double> weightNorms) {}

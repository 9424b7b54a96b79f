/**
 * Optimisers and learning-rate schedules. {@link org.tikhon.optim.Optimizer} holds groups of
 * parameters with a learning rate and weight decay each; its state goes into checkpoints.
 */
package org.tikhon.optim;

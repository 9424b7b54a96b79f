/**
 * Training: a {@link org.tikhon.train.Learner} is anything that learns from batches; a {@link
 * org.tikhon.train.Recipe} makes one for a task and a backbone, and is what {@code tikhon compare}
 * runs; a {@link org.tikhon.train.Trainer} drives any learner, with evaluation, early stopping and
 * checkpoints that resume to the same numbers; {@link org.tikhon.train.Metrics} and {@link
 * org.tikhon.train.Calibration} evaluate predictions.
 */
package org.tikhon.train;

/**
 * The main job: which of the methods really helps on a user's data? {@link
 * org.tikhon.lab.compare.ProblemLoader} looks at the data, {@link
 * org.tikhon.lab.compare.Comparison} trains every recipe on the same splits, seeds and budget,
 * {@link org.tikhon.lab.compare.Leaderboard} sums up, {@link org.tikhon.lab.compare.Predictor}
 * applies the best model.
 */
package org.tikhon.lab.compare;

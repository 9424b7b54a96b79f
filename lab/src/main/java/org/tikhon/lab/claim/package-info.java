/**
 * Claims: for each system the paper's headline comparison at laptop scale, method beside baseline,
 * with honest numbers. {@link org.tikhon.lab.claim.ClaimRunner} runs them and keeps the results.
 */
package org.tikhon.lab.claim;

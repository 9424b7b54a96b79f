/** Claims of the room {@code loss}. */
package org.tikhon.lab.claim.loss;

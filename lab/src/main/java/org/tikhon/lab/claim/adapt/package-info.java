/** Claims of the room {@code adapt}: fine-tuning a big model cheaply. */
package org.tikhon.lab.claim.adapt;

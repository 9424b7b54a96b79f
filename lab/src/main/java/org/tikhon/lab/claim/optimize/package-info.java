/** The claims of the room {@code optimize}. */
package org.tikhon.lab.claim.optimize;

/** The claims of the room {@code solve}. */
package org.tikhon.lab.claim.solve;

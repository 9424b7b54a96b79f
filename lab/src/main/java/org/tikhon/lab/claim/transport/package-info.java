/** The claims of the room {@code transport}. */
package org.tikhon.lab.claim.transport;

/** Claims of the systems in room {@code head}. */
package org.tikhon.lab.claim.head;

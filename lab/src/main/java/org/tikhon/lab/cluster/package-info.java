/** What {@code tikhon cluster} does: reads data, fits clusters, keeps them. */
package org.tikhon.lab.cluster;

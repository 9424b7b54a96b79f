/** The catalogue of the 70 systems: which are built is read from the claims on the class path. */
package org.tikhon.lab.catalog;

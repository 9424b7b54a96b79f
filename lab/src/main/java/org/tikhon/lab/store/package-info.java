/** The run store: every measurement of every claim in one embedded DuckDB file. */
package org.tikhon.lab.store;

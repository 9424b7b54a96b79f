/**
 * Self-contained HTML pages with inline SVG, written as text: no fonts are measured and nothing is
 * drawn by the machine, so a report is the same, byte for byte, on a machine without fonts or a
 * display.
 */
package org.tikhon.lab.report;

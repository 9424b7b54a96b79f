/**
 * The command line. {@link org.tikhon.lab.cli.Main} lists the commands and turns failures into one
 * line and an exit code.
 */
package org.tikhon.lab.cli;

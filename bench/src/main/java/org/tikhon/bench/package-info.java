/**
 * Measurements: JMH benchmarks ({@code ./tikhon bench REGEX}) and programs that run contestants
 * side by side ({@code ./tikhon bench run NAME}). This is the only place outside {@code
 * org.tikhon.tensor} that calls the raw LibTorch bindings: they are the peer.
 */
package org.tikhon.bench;

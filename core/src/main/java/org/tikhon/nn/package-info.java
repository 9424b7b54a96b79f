/**
 * Layers and ready backbones. A {@link org.tikhon.nn.Module} has named parameters, buffers and
 * children, as in {@code torch.nn}; {@link org.tikhon.nn.Module#parametrize} replaces any weight by
 * a function of other parameters; {@link org.tikhon.nn.Checkpoint} writes state to safetensors
 * files with PyTorch's names. Weights start as in PyTorch, from the {@link org.tikhon.tensor.Rng}
 * that is passed in.
 */
package org.tikhon.nn;

/**
 * Tensors on LibTorch: the only package that touches the native bindings. {@link
 * org.tikhon.tensor.Tensor} is an immutable face of LibTorch's tensor with PyTorch's names in camel
 * case; {@link org.tikhon.tensor.Scope} frees what a block created; {@link
 * org.tikhon.tensor.Autograd} differentiates; {@link org.tikhon.tensor.Functional} holds the
 * operations of neural networks, {@link org.tikhon.tensor.Linalg}, {@link org.tikhon.tensor.Fft}
 * and {@link org.tikhon.tensor.Special} those that their names say; {@link org.tikhon.tensor.Rng}
 * is the only source of randomness.
 */
package org.tikhon.tensor;

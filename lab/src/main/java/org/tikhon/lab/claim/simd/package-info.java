/** The claims about kernels at memory speed. */
package org.tikhon.lab.claim.simd;

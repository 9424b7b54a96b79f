/**
 * Fine-tuning a big model cheaply.
 *
 * <ul>
 *   <li>49 PiSSA, {@link org.tikhon.adapt.Pissa}: LoRA that starts with the principal part of each
 *       weight, in full precision or with a 4-bit base ({@link org.tikhon.adapt.QPissa}); LoRA,
 *       QLoRA and LoftQ beside it; files as the Python library peft reads them.
 *   <li>43 weight compander, {@link org.tikhon.adapt.WeightCompander}: regularises any network by
 *       training a bounded function's argument instead of each weight; goes with other
 *       regularisers.
 * </ul>
 */
package org.tikhon.adapt;

/**
 * Files and generators of data: IDX and CIFAR images, image folders, tables (CSV, Parquet, JSON),
 * safetensors, NumPy arrays, the registry of public data sets, and seeded generators that need no
 * download and are always called generated. Bad content is a {@link org.tikhon.data.DataException}
 * that names file, place, what was found and what is allowed.
 */
package org.tikhon.data;

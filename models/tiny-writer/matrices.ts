// Matrix products on the wasm backend with plain arrays in and out, row by row. tf.tidy would walk through every number
// of an array it returns, so tensors are disposed by hand.

import * as tf from '@tensorflow/tfjs-core';

/** left · right, where `left` is [rows, inner]. */
export function multiply(left: Float32Array, rows: number, inner: number, right: tf.Tensor2D): Float32Array {
  const tensor = tf.tensor2d(left, [rows, inner]);
  const product = tf.matMul(tensor, right);
  const result = product.dataSync<'float32'>();
  tensor.dispose();
  product.dispose();
  return result;
}

/** leftᵀ · right of two arrays of `rows` rows. */
export function multiplyTransposed(
  left: Float32Array,
  leftColumns: number,
  right: Float32Array,
  rightColumns: number,
  rows: number,
): Float32Array {
  const plain = tf.tensor2d(left, [rows, leftColumns]);
  const transposed = tf.transpose(plain);
  const factor = tf.tensor2d(right, [rows, rightColumns]);
  const product = tf.matMul(transposed, factor);
  const result = product.dataSync<'float32'>();
  for (const tensor of [plain, transposed, factor, product]) tensor.dispose();
  return result;
}

/** The columns `from` up to `to` of a matrix `width` wide. */
export function columns(matrix: Float32Array, rows: number, width: number, from: number, to: number): Float32Array {
  const result = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++) {
    result.set(matrix.subarray(row * width + from, row * width + to), row * (to - from));
  }
  return result;
}

/** Two matrices side by side. */
export function beside(a: Float32Array, b: Float32Array, rows: number, aWidth: number, bWidth: number): Float32Array {
  const result = new Float32Array(rows * (aWidth + bWidth));
  for (let row = 0; row < rows; row++) {
    result.set(a.subarray(row * aWidth, (row + 1) * aWidth), row * (aWidth + bWidth));
    result.set(b.subarray(row * bWidth, (row + 1) * bWidth), row * (aWidth + bWidth) + aWidth);
  }
  return result;
}

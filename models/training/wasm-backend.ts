import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Starts the TensorFlow.js wasm backend for training. Its BatchMatMul does not take transposed operands as the
 * gradients hand them over, so they are transposed explicitly first.
 */
export async function startWasmBackend(): Promise<void> {
  const require = createRequire(import.meta.url);
  setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  tf.env().set('PROD', true);
  await tf.setBackend('wasm');
  await tf.ready();
  transposeBeforeMatMul();
}

function transposeBeforeMatMul(): void {
  const matMul = tf.getKernel('BatchMatMul', 'wasm');
  const transpose = tf.getKernel('Transpose', 'wasm');
  if (!matMul || !transpose) throw new Error('The wasm backend has no BatchMatMul or no Transpose kernel.');
  tf.unregisterKernel('BatchMatMul', 'wasm');
  tf.registerKernel({
    ...matMul,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
      const temporary: tf.TensorInfo[] = [];
      const plain = (tensor: tf.TensorInfo | undefined, transposed: boolean): tf.TensorInfo => {
        if (!tensor) throw new Error('BatchMatMul needs two operands.');
        if (!transposed) return tensor;
        const axes = tensor.shape.map((_, axis) => axis);
        axes.splice(-2, 2, axes.length - 1, axes.length - 2);
        const result = transpose.kernelFunc({ inputs: { x: tensor }, backend, attrs: { perm: axes } }) as tf.TensorInfo;
        temporary.push(result);
        return result;
      };
      const product = matMul.kernelFunc({
        inputs: { a: plain(inputs['a'], transposeA), b: plain(inputs['b'], transposeB) },
        backend,
        attrs: { transposeA: false, transposeB: false },
      });
      for (const tensor of temporary) (backend as tf.KernelBackend).disposeData(tensor.dataId);
      return product;
    },
  });
}

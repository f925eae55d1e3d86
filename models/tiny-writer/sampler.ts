export interface SamplerOptions {
  /** 0 takes the best each time. */
  readonly temperature: number;
  /** Only the k best are drawn from; 0 is no limit. */
  readonly topK: number;
  /** Unsigned 32-bit. */
  readonly seed: number;
}

/** Draws an index from unnormalised log scores; the same options give the same draws. */
export function createSampler({ temperature, topK, seed }: SamplerOptions): (logits: Float32Array) => number {
  const random = mulberry32(seed);
  return (logits) => {
    const best = indexOfMaximum(logits);
    if (temperature === 0) return best;
    const maximum = logits[best] as number;
    const least = topK > 0 && topK < logits.length ? kthLargest(logits, topK) : -Infinity;
    const shares = new Float64Array(logits.length);
    let total = 0;
    let left = topK > 0 ? topK : logits.length;
    for (let at = 0; at < logits.length; at++) {
      const logit = logits[at] as number;
      // Scores equal to the k-th are taken from the front, so that never more than k remain.
      if (logit < least || left === 0) continue;
      left--;
      total += shares[at] = Math.exp((logit - maximum) / temperature);
    }
    let threshold = random() * total;
    for (let at = 0; at < logits.length; at++) {
      threshold -= shares[at] as number;
      if (threshold < 0) return at;
    }
    return best;
  };
}

function indexOfMaximum(values: Float32Array): number {
  let best = 0;
  for (let at = 1; at < values.length; at++) if ((values[at] as number) > (values[best] as number)) best = at;
  return best;
}

function kthLargest(values: Float32Array, k: number): number {
  return values.slice().sort()[values.length - k] as number;
}

/** The mulberry32 generator: 32 bits of state, numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

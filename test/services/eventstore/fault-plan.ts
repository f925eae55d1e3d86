// The stand-in's side of faults.ts: which fault, if any, hits this call.

import type { Fault, FaultPoint } from './faults.ts';

export interface FaultPlan {
  add(fault: Fault): void;
  clear(): void;
  /** The fault that hits a call at this point, counted as shown. */
  next(point: FaultPoint): Fault | undefined;
  readonly shown: number;
}

interface Planned {
  readonly fault: Fault;
  readonly random: () => number;
  left: number;
}

export function createFaultPlan(): FaultPlan {
  let planned: Planned[] = [];
  let shown = 0;
  return {
    add(fault) {
      planned.push({ fault, left: fault.times ?? Infinity, random: createRandom(fault.seed ?? 1) });
    },
    clear() {
      planned = [];
    },
    next(point) {
      for (const plan of planned) {
        if (plan.fault.on !== point || plan.left === 0) continue;
        if (plan.fault.probability !== undefined && plan.random() >= plan.fault.probability) continue;
        plan.left -= 1;
        shown += 1;
        return plan.fault;
      }
      return undefined;
    },
    get shown() {
      return shown;
    },
  };
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

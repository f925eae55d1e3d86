// The network of model.json as plain loops over Float32Array, about ten times faster than running the graph for each
// character. GRU as TensorFlow.js layers define it (reset gate applied before the recurrent product):
// z = σ(x·Wz + h·Uz + bz), r = σ(x·Wr + h·Ur + br), c = tanh(x·Wc + (r∘h)·Uc + bc), h' = z∘h + (1 − z)∘c.

export interface NamedWeight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The state of one text being written; the network itself is shared and holds none. */
export interface GruState {
  readonly hidden: Float32Array;
  /** Unnormalised scores of the next character, filled by `scores`. */
  readonly logits: Float32Array;
}

export interface GruNetwork {
  /** Width of the one-hot input and of the logits. */
  readonly symbols: number;
  start(): GruState;
  /** Reads one symbol. */
  step(state: GruState, symbol: number): void;
  /** Scores what comes next. */
  score(state: GruState): Float32Array;
}

/** Throws an Error naming a weight that is missing or does not fit. */
export function createGruNetwork(weights: ReadonlyMap<string, NamedWeight>): GruNetwork {
  const kernel = find(weights, 'gru/kernel');
  const [symbols = 0, gates = 0] = kernel.shape;
  const units = gates / 3;
  const recurrent = find(weights, 'gru/recurrent_kernel', [units, gates]);
  const bias = find(weights, 'gru/bias', [gates]);
  const outKernel = find(weights, 'next/kernel', [units, symbols]);
  const outBias = find(weights, 'next/bias', [symbols]);

  // A one-hot input picks one row of the kernel, so the bias is added to each row beforehand.
  const inputs = kernel.data.map((value, at) => value + (bias.data[at % gates] as number));
  const recurrentColumns = transpose(recurrent.data, units, gates);
  const outColumns = transpose(outKernel.data, units, symbols);
  const update = new Float32Array(units);
  const gated = new Float32Array(units);

  return {
    symbols,
    start: () => ({ hidden: new Float32Array(units), logits: new Float32Array(symbols) }),
    step({ hidden }, symbol) {
      const row = symbol * gates;
      for (let unit = 0; unit < units; unit++) {
        const z = (inputs[row + unit] as number) + dot(recurrentColumns, unit * units, hidden, units);
        const r = (inputs[row + units + unit] as number) + dot(recurrentColumns, (units + unit) * units, hidden, units);
        update[unit] = 1 / (1 + Math.exp(-z));
        gated[unit] = (hidden[unit] as number) / (1 + Math.exp(-r));
      }
      for (let unit = 0; unit < units; unit++) {
        const at = 2 * units + unit;
        const candidate = Math.tanh((inputs[row + at] as number) + dot(recurrentColumns, at * units, gated, units));
        const z = update[unit] as number;
        hidden[unit] = z * (hidden[unit] as number) + (1 - z) * candidate;
      }
    },
    score({ hidden, logits }) {
      for (let symbol = 0; symbol < symbols; symbol++) {
        logits[symbol] = (outBias.data[symbol] as number) + dot(outColumns, symbol * units, hidden, units);
      }
      return logits;
    },
  };
}

/** Four sums side by side, so that an addition need not wait for the one before. `length` is a multiple of four. */
function dot(matrix: Float32Array, offset: number, vector: Float32Array, length: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let at = 0; at < length; at += 4) {
    a += (matrix[offset + at] as number) * (vector[at] as number);
    b += (matrix[offset + at + 1] as number) * (vector[at + 1] as number);
    c += (matrix[offset + at + 2] as number) * (vector[at + 2] as number);
    d += (matrix[offset + at + 3] as number) * (vector[at + 3] as number);
  }
  return a + b + c + d;
}

function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = data[row * columns + column] as number;
    }
  }
  return result;
}

function find(weights: ReadonlyMap<string, NamedWeight>, name: string, shape?: readonly number[]): NamedWeight {
  const weight = weights.get(name);
  if (!weight) throw new Error(`The weight ${name} is missing.`);
  const expected = shape ?? weight.shape;
  const size = weight.shape.reduce((product, length) => product * length, 1);
  if (expected.join() !== weight.shape.join() || weight.data.length !== size) {
    throw new Error(`The weight ${name} has the shape [${weight.shape.join()}], not [${expected.join()}].`);
  }
  if (name === 'gru/kernel' && (weight.shape.length !== 2 || (weight.shape[1] ?? 0) % 12 !== 0)) {
    throw new Error('The weight gru/kernel must be [symbols, 3 × units] with units a multiple of four.');
  }
  return weight;
}

import { expect } from 'chai';
import { createGruTrainer } from '../../models/tiny-writer/gru-trainer.ts';
import { createRandom } from '../../models/training/random.ts';
import { startWasmBackend } from '../../models/training/wasm-backend.ts';

describe('models/tiny-writer: gru-trainer', () => {
  before(startWasmBackend);

  it('learns a sequence that needs memory', () => {
    // After "a" comes "b" or "c", in turn: without the hidden state half a bit per character is the best possible.
    const pattern = [0, 1, 0, 2];
    const [batch, length] = [2, 16];
    const trainer = createGruTrainer({ symbols: 4, units: 16, batch, length }, createRandom(1));
    const inputs = new Uint8Array(batch * length);
    const answers = new Uint8Array(batch * length);
    for (let at = 0; at < length; at++) {
      for (let row = 0; row < batch; row++) {
        inputs[at * batch + row] = pattern[(at + row) % 4] as number;
        answers[at * batch + row] = pattern[(at + row + 1) % 4] as number;
      }
    }
    const first = trainer.step(inputs, answers, 0.02);
    let last = first;
    for (let step = 0; step < 150; step++) last = trainer.step(inputs, answers, 0.02);
    expect(first).to.be.within(1.5, 2.5);
    expect(last).to.be.below(0.1);
  });

  it('trains the same way twice', () => {
    const run = (): number => {
      const trainer = createGruTrainer({ symbols: 3, units: 8, batch: 1, length: 4 }, createRandom(7));
      let bits = 0;
      for (let step = 0; step < 5; step++) {
        bits = trainer.step(Uint8Array.of(0, 1, 2, 0), Uint8Array.of(1, 2, 0, 1), 0.01);
      }
      return bits;
    };
    expect(run()).to.equal(run());
  });
});

// The contract of the ModelRuntime port. An adapter's test file gives a factory and inputs that make it show each case.

import { expect } from 'chai';
import {
  type LoadedModel,
  ModelLoadError,
  type ModelRuntime,
  type ModelSpec,
} from '#platform/model-host/model-runtime.ts';

/** What not every runtime can show; its cases are left out where it cannot. */
export interface ModelRuntimeTraits {
  /** It hands out text piece by piece. */
  readonly streams: boolean;
}

export interface ModelRuntimeCase {
  readonly runtime: ModelRuntime;
  readonly spec: ModelSpec;
  /** Definitions it must refuse, and what the refusal names. */
  readonly refused: readonly { readonly spec: ModelSpec; readonly names: RegExp }[];
  readonly parameters: Record<string, unknown>;
  /** An input that succeeds, made different by `n`, and the output it must have. */
  input(n: number): unknown;
  output(n: number): unknown;
  readonly rejectedInput: unknown;
  readonly rejectedCode: string;
  /** For one that streams: an input (with parameters) that never ends by itself. */
  readonly endless?: { readonly input: unknown; readonly parameters: Record<string, unknown> };
  readonly close: () => Promise<void>;
}

const deadlineMs = 20_000;

export function modelRuntimeContract(
  name: string,
  { streams }: ModelRuntimeTraits,
  open: () => Promise<ModelRuntimeCase>,
): void {
  const whereItStreams = streams ? it : (): undefined => undefined;

  describe(`model runtime: ${name}`, function () {
    this.timeout(30_000);
    let testCase: ModelRuntimeCase;
    let model: LoadedModel;

    before(async () => {
      testCase = await open();
      model = await testCase.runtime.load(testCase.spec);
    });
    after(async () => {
      await model.close();
      await testCase.runtime.close();
      await testCase.close();
    });

    it('refuses a bad definition with a ModelLoadError that names what is wrong', async () => {
      expect(testCase.refused).to.have.property('length').that.is.above(0);
      for (const { spec, names } of testCase.refused) {
        const error = await testCase.runtime.load(spec).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).to.be.instanceOf(ModelLoadError);
        expect((error as ModelLoadError).message).to.match(names);
      }
    });

    it('answers nothing for no items', async () => {
      expect(await model.run([], { parameters: testCase.parameters, deadlineMs })).to.deep.equal([]);
    });

    it('answers one result per item, in order, with its usage', async () => {
      const items = Array.from({ length: 70 }, (_, n) => ({ id: `i${n}`, input: testCase.input(n) }));
      const results = await model.run(items, { parameters: testCase.parameters, deadlineMs });
      expect(results).to.have.length(70);
      for (const [n, result] of results.entries()) {
        if (!result.ok) throw new Error(`item ${n} failed: ${result.error.code} ${result.error.message}`);
        expect(result.output).to.deep.equal(testCase.output(n));
        expect(result.usage.inputTokens).to.be.greaterThan(0);
      }
    });

    it('serves runs at the same time without mixing them up', async () => {
      const runs = Array.from({ length: 10 }, (_, n) =>
        model.run([{ id: 'same', input: testCase.input(n) }], { parameters: testCase.parameters, deadlineMs }),
      );
      for (const [n, [result]] of (await Promise.all(runs)).entries()) {
        expect(result).to.have.deep.property('output', testCase.output(n));
      }
    });

    it('lets one item fail alone', async () => {
      const items = [testCase.input(1), testCase.rejectedInput, 42, testCase.input(2)];
      const results = await model.run(
        items.map((input, n) => ({ id: `i${n}`, input })),
        { parameters: testCase.parameters, deadlineMs },
      );
      expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).to.deep.equal([
        'ok',
        testCase.rejectedCode,
        'input-invalid',
        'ok',
      ]);
      expect(results[3]).to.have.deep.property('output', testCase.output(2));
    });

    whereItStreams('hands out pieces that are, put together, the text of the output', async () => {
      const written = new Map<string, string>();
      const items = [1, 2, 3].map((n) => ({ id: `i${n}`, input: testCase.input(n) }));
      const results = await model.run(items, {
        parameters: testCase.parameters,
        deadlineMs,
        onToken: (id, piece) => void written.set(id, (written.get(id) ?? '') + piece),
      });
      for (const [at, result] of results.entries()) {
        if (!result.ok) throw new Error(result.error.message);
        expect(result.output).to.deep.equal(testCase.output(at + 1));
        expect(written.get(`i${at + 1}`))
          .to.equal((result.output as { text: string }).text)
          .and.not.to.equal('');
      }
    });

    it('ends an item whose signal is aborted already, and runs the others', async () => {
      const items = [1, 2, 3].map((n) => ({ id: `i${n}`, input: testCase.input(n) }));
      const signals = new Map([['i2', AbortSignal.abort()]]);
      const results = await model.run(items, { parameters: testCase.parameters, deadlineMs, signals });
      expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).to.deep.equal(['ok', 'cancelled', 'ok']);
    });

    whereItStreams('ends an item in the middle when it is cancelled, and only that one', async () => {
      const endless = endlessOf(testCase);
      const cancel = new AbortController();
      const other = new AbortController();
      const items = [
        { id: 'first', input: endless.input },
        { id: 'second', input: endless.input },
      ];
      const order: string[] = [];
      const results = await model.run(items, {
        parameters: endless.parameters,
        deadlineMs,
        signals: new Map([
          ['first', cancel.signal],
          ['second', other.signal],
        ]),
        onToken(id) {
          if (id === 'first') cancel.abort();
          // The second goes on after the first was cancelled: it is ended by a later piece of its own.
          if (id === 'second' && cancel.signal.aborted && order.push(id) === 2) other.abort();
        },
      });
      expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).to.deep.equal(['cancelled', 'cancelled']);
      const [again] = await model.run([{ id: 'i', input: testCase.input(5) }], {
        parameters: testCase.parameters,
        deadlineMs,
      });
      expect(again).to.have.deep.property('output', testCase.output(5));
    });

    whereItStreams('fails what is unfinished at the deadline with timeout', async () => {
      const endless = endlessOf(testCase);
      const started = performance.now();
      const results = await model.run([{ id: 'i', input: endless.input }], {
        parameters: endless.parameters,
        deadlineMs: 150,
        onToken: () => undefined,
      });
      expect(results).to.have.nested.property('[0].error.code', 'timeout');
      expect(results).to.have.nested.property('[0].error.retriable', true);
      expect(performance.now() - started).to.be.within(140, 5_000);
    });

    it('fails everything with timeout when no time is left', async () => {
      const results = await model.run([{ id: 'i', input: testCase.input(1) }], {
        parameters: testCase.parameters,
        deadlineMs: 0,
      });
      expect(results).to.have.nested.property('[0].error.code', 'timeout');
    });

    it('ends what runs when it is closed, and runs nothing after', async () => {
      const second = await testCase.runtime.load({ ...testCase.spec, key: 'second' });
      const { endless } = testCase;
      const run = second.run([{ id: 'i', input: endless ? endless.input : testCase.input(1) }], {
        parameters: endless ? endless.parameters : testCase.parameters,
        deadlineMs,
      });
      const outcome = run.then(
        () => 'answered',
        () => 'rejected',
      );
      await second.close();
      const how = await outcome;
      if (endless) expect(how).to.equal('rejected');
      await second.close();
      const after = second.run([{ id: 'i', input: testCase.input(1) }], { parameters: {}, deadlineMs });
      expect(
        await after.then(
          () => 'answered',
          () => 'rejected',
        ),
      ).to.equal('rejected');
    });
  });
}

function endlessOf(testCase: ModelRuntimeCase): NonNullable<ModelRuntimeCase['endless']> {
  if (!testCase.endless) throw new Error('the case of a runtime that streams lacks an endless input');
  return testCase.endless;
}

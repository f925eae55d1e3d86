import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import type { InferenceState } from '#events/inference.ts';
import { createTextOpener, textsOf } from '../../projectors/inferences/open-texts.ts';
import { auditProjection } from '../../projectors/audit/projection.ts';
import { inferenceProjection } from '../../projectors/inference/projection.ts';
import { KEPT_AFTER_END_MS } from '../../projectors/inference/read-model.ts';
import { inferencesProjection, type InferenceRow } from '../../projectors/inferences/projection.ts';
import { ERASED } from '#platform/content/content.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';

const content = { sealed: 'x', blob: null, bytes: 1 };
const stream = 'inference-1';
const requested = recorded(
  createEvent(
    'InferenceRequested',
    { model: 'm', modelOwner: 'acme', form: 'input', input: content, parameters: {}, deadline: 9 },
    ORIGIN,
  ),
  stream,
  0,
  1_000,
);
const result = { output: content, inputTokens: 1, outputTokens: 2, cache: 'bypass', startedAt: 1, attempt: 1 };
const completed = recorded(createEvent('InferenceCompleted', result, ORIGIN), stream, 1, 2_000);
const cancelled = recorded(createEvent('InferenceCancelled', {}, ORIGIN), stream, 1, 2_000);

describe('the inference document', () => {
  it('is the state that the stream folds into, and may go a day after its end', () => {
    const first = inferenceProjection.project(undefined, requested);
    if (first === 'ignore' || !first.document) throw new Error('nothing was made');
    expect(inferenceProjection.expiresAt?.(first.document)).to.equal(undefined);
    const second = inferenceProjection.project(first.document, completed);
    if (second === 'ignore') throw new Error('nothing was made');
    const state = second.document as InferenceState;
    expect(state.status).to.equal('completed');
    expect(inferenceProjection.expiresAt?.(state)).to.equal(2_000 + KEPT_AFTER_END_MS);
  });

  it('belongs to inference streams only', () => {
    expect(inferenceProjection.keyOf(stream)).to.equal('inference:1');
    expect(inferenceProjection.keyOf('tenant-1')).to.equal(undefined);
  });
});

describe('the list of inferences', () => {
  const open = createTextOpener({ open: () => Promise.resolve({ text: 'Kırmızı GÜL', nested: ['two'] }) });
  const rowOf = async (...events: (typeof requested)[]) => {
    let row: InferenceRow | undefined;
    for (const event of events) {
      const next = inferencesProjection.project(row, await open(event));
      if (next !== 'ignore') row = next ?? undefined;
    }
    return row as InferenceRow;
  };

  it('has a row without text while the inference runs', async () => {
    const row = await rowOf(requested);
    expect(inferencesProjection.fields(row)).to.deep.equal({
      tenant: 'acme',
      status: 'queued',
      model: 'm',
      createdAt: 1_000,
      endedAt: null,
      words: null,
    });
    expect(inferencesProjection.ended(row)).to.equal(false);
  });

  it('has the folded words of question and answer at the end', async () => {
    const row = await rowOf(requested, completed);
    const fields = inferencesProjection.fields(row);
    expect(fields).to.include({ status: 'completed', endedAt: 2_000 });
    expect(String(fields['words']).split(' ')).to.have.members(['kirmizi', 'gul', 'two']);
    expect(inferencesProjection.ended(row)).to.equal(true);
  });

  it('keeps the first end', async () => {
    expect((await rowOf(requested, cancelled, completed)).status).to.equal('cancelled');
  });

  it('indexes no member names, and nothing that was erased', async () => {
    expect(textsOf({ role: 'user', content: [{ text: 'hi' }] })).to.equal('user\nhi');
    const erased = createTextOpener({ open: () => Promise.resolve(ERASED) });
    expect((await erased(requested)).data).to.deep.include({ input: { text: '' } });
  });
});

describe('the audit list', () => {
  it('has a row for every event, whoever caused it', () => {
    expect(auditProjection.fieldsOf(completed)).to.deep.equal({
      tenant: 'acme',
      type: 'InferenceCompleted',
      actor: 'api-key:k1',
      stream,
      correlation: 'request-1',
      causation: ORIGIN.commandId,
      recordedAt: 2_000,
      position: 2,
    });
  });
});

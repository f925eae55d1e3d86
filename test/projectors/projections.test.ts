import { expect } from 'chai';
import { apiKeys } from '#events/api-key.ts';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { inferences } from '#events/inference.ts';
import { type Standing, evolveStanding } from '#events/standing.ts';
import { ERASED } from '#platform/content/content.ts';
import { maxWords } from '#platform/search-index/fold.ts';
import { type Hit, idOfNumber } from '#platform/search-index/search-index.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import { inferenceReadModel, KEPT_AFTER_END_MS } from '../../projectors/inference/read-model.ts';
import { createTextOpener } from '../../projectors/inferences/open-texts.ts';
import { inferencesReadModel } from '../../projectors/inferences/read-model.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';
import { FIRST } from '../support/memory-event-store.ts';
import { AS_ISSUED, givenEvents, plainContent } from '../support/given-projection.ts';

const stream = 'inference-1';
const another = (n: number) => ({ ...ORIGIN, eventId: `018f0000-0000-7000-8000-00000000010${n}` });
const requested = recorded(
  createEvent(
    'InferenceRequested',
    {
      model: 'm',
      modelOwner: 'acme',
      form: 'chat',
      input: plainContent({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Kırmızı GÜL two' }] }] }),
      parameters: {},
      deadline: 9,
    },
    ORIGIN,
  ),
  stream,
  0,
  1_000,
);
const result = {
  output: plainContent('an answer'),
  inputTokens: 1,
  outputTokens: 2,
  cache: 'bypass',
  startedAt: 1,
  attempt: 1,
} as const;
const completed = recorded(createEvent('InferenceCompleted', result, another(1)), stream, 1, 2_000);
const cancelled = recorded(createEvent('InferenceCancelled', {}, another(2)), stream, 1, 2_000);

describe('the inference document', () => {
  const stateOf = (...events: (typeof requested)[]) =>
    JSON.parse(JSON.stringify(events.reduce(inferences.evolve, inferences.initial))) as unknown;

  it('is the state that the stream folds into', async () => {
    await givenEvents(inferenceReadModel, requested).thenDocument('inference:1', stateOf(requested));
    const both = givenEvents(inferenceReadModel, requested, completed);
    await both.thenDocument('inference:1', stateOf(requested, completed));
  });

  it('may go a day after its end, and not before', () => {
    const queued = inferences.evolve(inferences.initial, requested);
    expect(inferenceReadModel.expiresAt?.(queued)).to.equal(undefined);
    expect(inferenceReadModel.expiresAt?.(inferences.evolve(queued, completed))).to.equal(2_000 + KEPT_AFTER_END_MS);
  });

  it('belongs to inference streams only', () => {
    expect(inferenceReadModel.keyOf(stream)).to.equal('inference:1');
    expect(inferenceReadModel.keyOf('tenant-1')).to.equal(undefined);
  });
});

describe('the list of inferences', () => {
  const position = Number(FIRST);
  const id = idOfNumber(position);
  const row = {
    inference: '1',
    tenant: 'acme',
    status: 'queued',
    model: 'm',
    position,
    createdAt: 1_000,
    endedAt: null,
  };
  const found = (word: string) => ({ field: 'words', words: [word] });

  it('has a row without text while the inference runs', async () => {
    const given = givenEvents(inferencesReadModel, requested);
    await given.thenRows([{ id, fields: row }]);
    await given.thenFound(found('gul'), []);
  });

  it('has the folded words of question and answer at the end', async () => {
    const given = givenEvents(inferencesReadModel, requested, completed);
    await given.thenRows([{ id, fields: { ...row, status: 'completed', endedAt: 2_000 } }]);
    for (const word of ['kirmizi', 'gul', 'two', 'answer']) await given.thenFound(found(word), [id]);
  });

  it('keeps the first end', async () => {
    const late = { ...completed, revision: 2 };
    const given = givenEvents(inferencesReadModel, requested, cancelled, late);
    await given.thenRows([{ id, fields: { ...row, status: 'cancelled', endedAt: 2_000 } }]);
    await given.thenFound(found('answer'), []);
  });

  it('leaves a long question its answer', async () => {
    const asked = Array.from({ length: maxWords }, (_, i) => i.toString(36)).join(' ');
    const long = { ...requested, data: { ...(requested.data as object), input: plainContent(asked) } };
    const given = givenEvents(inferencesReadModel, long, completed);
    await given.thenFound(found('answer'), [id]);
  });

  it('indexes nothing that was erased', async () => {
    const erased = createTextOpener({ open: () => Promise.resolve(ERASED) });
    expect((await erased(requested)).data).to.deep.include({ input: { words: '' } });
  });
});

describe('the audit list', () => {
  it('has a row for every event, whoever caused it', async () => {
    const row = {
      tenant: 'acme',
      actor: 'api-key:k1',
      stream,
    };
    const made = (await givenEvents(auditReadModel, requested, completed).thenMade()) as Hit[];
    const rowOf = ({ type, recordedAt }: RecordedEvent, position: number) => ({
      id: idOfNumber(position),
      fields: { ...row, type, recordedAt, position },
    });
    const [first = 0, second = 0] = made.map(({ sort }) => sort);
    expect(first).to.be.lessThan(second);
    expect(made.map(({ id, fields }) => ({ id, fields }))).to.deep.equal([
      rowOf(requested, first),
      rowOf(completed, second),
    ]);
  });
});

describe('the standing', () => {
  const key = recorded(createEvent('ApiKeyIssued', AS_ISSUED, ORIGIN), 'apikey-1', 0);
  const revoked = recorded(createEvent('ApiKeyRevoked', {}, another(3)), 'apikey-1', 1, 2_000);
  const standingOf = (...events: (typeof key)[]) => events.reduce<Standing | undefined>(evolveStanding, undefined);

  it('is what the stream folds into, and is listed while it lives', async () => {
    const given = givenEvents(standingReadModel, key);
    await given.thenDocument('standing:apikey-1', standingOf(key));
    await given.thenMembers(apiKeys.list('acme'), ['apikey-1']);
  });

  it('stays when it is listed no more', async () => {
    const given = givenEvents(standingReadModel, key, revoked);
    await given.thenDocument('standing:apikey-1', standingOf(key, revoked));
    await given.thenMembers(apiKeys.list('acme'), []);
  });

  it('is of streams that have one', async () => {
    expect(await givenEvents(standingReadModel, requested).thenMade()).to.deep.equal([]);
  });
});

import { expect } from 'chai';
import type { EventData, EventType } from '#events/aggregates.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { checkHistory, describeViolations } from '../support/history-checker.ts';
import { comparableState } from '../support/history-past-checks.ts';
import {
  acknowledged,
  assemble,
  auditRead,
  claims,
  failedData,
  type HistoryParts,
  type Mutable,
  recorded,
  requestedData,
  sampleParts,
  sent,
  streams,
  keyData,
} from '../support/history-sample.ts';
import type { RelayedRecord } from '../support/check-relayed.ts';
import { parseHistory, printHistory } from '../support/history-file.ts';
import type { History, InvariantName, ReadModels, Relayed, Row } from '../support/history.ts';

const without = (parts: HistoryParts, stream: string, revision: number) =>
  parts.log.filter((event) => event.stream !== stream || event.revision !== revision);

const put = <const Type extends EventType>(
  parts: HistoryParts,
  stream: string,
  type: Type,
  data: EventData<Type>,
  by: string,
  system = false,
) => void parts.log.push(recorded(parts.log, stream, type, data, by, system));

/** Exchanges two neighbours' positions, but leaves them where they are. */
function swapPositions(log: RecordedEvent[], at: number) {
  const [a, b] = [log[at]!, log[at + 1]!];
  log[at] = { ...a, position: b.position };
  log[at + 1] = { ...b, position: a.position };
}

const change = (history: Mutable<History>, models: Partial<ReadModels>) =>
  void (history.models = { ...history.models, ...models });

interface Breach {
  readonly name: string;
  readonly invariant: InvariantName;
  /** What the sentence must name. */
  readonly names: string;
  /** Breaks the parts; the read models still follow the log. */
  readonly parts?: (parts: HistoryParts) => void;
  /** Breaks the whole. */
  readonly whole?: (history: Mutable<History>) => void;
}

const breaches: readonly Breach[] = [
  {
    name: 'an acknowledged append that was lost',
    invariant: 'I1',
    names: streams.key,
    parts: (parts) => {
      parts.log = without(parts, streams.key, 0);
      parts.reads = [];
    },
  },
  {
    name: 'an acknowledged inference that was lost with its result',
    invariant: 'I1',
    names: streams.plain,
    parts: (parts) => {
      parts.log = parts.log.filter(({ stream }) => stream !== streams.plain);
      parts.reads = [];
    },
  },
  {
    name: 'an acknowledged append in whose place stands another',
    invariant: 'I1',
    names: 'r14',
    parts: (parts) => {
      parts.log = without(parts, streams.model, 1);
      const other = recorded(parts.log, streams.model, 'ModelDefaultsSet', { defaults: { top: '9' } }, 'r16');
      parts.log.push(other);
      parts.requests.push(
        sent('r16', claims.defaults('9'), acknowledged(streams.model, 1), { mayChangeNothing: true }),
      );
    },
  },
  {
    name: 'an acknowledgement that something was so already, which it was not',
    invariant: 'I1',
    names: 'r17',
    parts: ({ requests }) =>
      requests.push(sent('r17', claims.defaults('7'), acknowledged(streams.model, 1), { mayChangeNothing: true })),
  },
  {
    name: 'an acknowledged append that is there twice',
    invariant: 'I1',
    names: 'r11',
    parts: (parts) => put(parts, 'apikey-k3', 'ApiKeyIssued', keyData('one'), 'r11'),
  },
  {
    name: 'one event at two positions',
    invariant: 'I1',
    names: streams.tenant,
    parts: ({ log }) =>
      void log.push({
        ...recorded(log, 'tenant-other', 'TenantCreated', { name: 'x' }, 'first start', true),
        id: log[0]!.id,
      }),
  },
  {
    name: 'positions that go back',
    invariant: 'I1',
    names: 'position',
    parts: ({ log }) => swapPositions(log, 2),
    whole: (history) =>
      change(history, {
        audit: history.models.audit.toSorted((a, b) => Number(b['position']) - Number(a['position'])),
      }),
  },
  {
    name: 'a revision that is missing',
    invariant: 'I1',
    names: streams.tenant,
    parts: ({ log }) => void (log[0] = { ...log[0]!, revision: 1 }),
  },
  {
    name: 'two events of one revision',
    invariant: 'I1',
    names: streams.tenant,
    parts: ({ log }) =>
      void log.push({
        ...recorded(log, streams.tenant, 'TenantCreated', { name: 'default' }, 'first start', true),
        revision: 0,
      }),
  },
  {
    name: 'a read that showed what the log has not',
    invariant: 'I1',
    names: 'q4',
    parts: ({ reads }) =>
      reads.push({
        request: 'q4',
        what: 'read',
        token: [],
        seen: [{ stream: streams.model, shows: 'revision', revision: 2 }],
      }),
  },
  {
    name: 'an unacknowledged append that is there twice',
    invariant: 'I2',
    names: 'r4',
    parts: (parts) => {
      put(parts, 'inference-again', 'InferenceRequested', requestedData, 'r4');
      put(parts, 'inference-again', 'InferenceFailed', failedData, 'r4', true);
    },
  },
  {
    name: 'a retry that made two',
    invariant: 'I2',
    names: 'r2, r3',
    parts: (parts) => {
      put(parts, 'inference-again', 'InferenceRequested', requestedData, 'r3');
      put(parts, 'inference-again', 'InferenceFailed', failedData, 'r3', true);
    },
  },
  {
    name: 'two bodies acknowledged under one key',
    invariant: 'I2',
    names: 'r9',
    parts: (parts) => {
      put(parts, 'inference-again', 'InferenceRequested', requestedData, 'r9');
      put(parts, 'inference-again', 'InferenceFailed', failedData, 'r9', true);
      parts.requests.find(({ request }) => request === 'r9')!.outcome = acknowledged('inference-again', 0);
    },
  },
  {
    name: 'a refused request that was appended all the same',
    invariant: 'I2',
    names: 'r18',
    parts: (parts) => {
      put(parts, 'inference-again', 'InferenceRequested', requestedData, 'r18');
      put(parts, 'inference-again', 'InferenceFailed', failedData, 'r18', true);
      parts.requests.push(sent('r18', claims.requested, { as: 'refused', status: 404, code: 'model-not-found' }));
    },
  },
  {
    name: 'a key said to be used that nobody used',
    invariant: 'I2',
    names: 'r19',
    parts: ({ requests }) =>
      requests.push(sent('r19', claims.requested, { as: 'refused', status: 422, code: 'idempotency-key-reused' })),
  },
  {
    name: 'an event that nobody asked for',
    invariant: 'I2',
    names: 'apikey-k3',
    parts: (parts) => put(parts, 'apikey-k3', 'ApiKeyIssued', keyData('one'), 'r99'),
  },
  ...relayBreaches(),
  ...modelBreaches(),
  {
    name: 'a stale read under a token',
    invariant: 'I5',
    names: 'q5',
    parts: ({ reads }) =>
      reads.push({
        request: 'q5',
        what: 'read',
        token: [{ stream: streams.model, revision: 1 }],
        seen: [{ stream: streams.model, shows: 'revision', revision: 0 }],
      }),
  },
  {
    name: 'a list that lacks what its token stands for',
    invariant: 'I5',
    names: 'q6',
    parts: ({ reads }) =>
      reads.push({
        request: 'q6',
        what: 'list',
        token: [{ stream: streams.key, revision: 0 }],
        seen: [{ stream: streams.key, shows: 'nothing' }],
      }),
  },
  {
    name: 'a list that lacks a model which nobody retired',
    invariant: 'I5',
    names: 'q10',
    parts: ({ reads }) =>
      reads.push({
        request: 'q10',
        what: 'list',
        token: [{ stream: streams.model, revision: 1 }],
        seen: [{ stream: streams.model, shows: 'nothing' }],
      }),
  },
  {
    name: 'a list that has what its token says is gone',
    invariant: 'I5',
    names: 'q7',
    parts: ({ reads }) =>
      reads.push({
        request: 'q7',
        what: 'list',
        token: [{ stream: streams.revokedKey, revision: 1 }],
        seen: [{ stream: streams.revokedKey, shows: 'alive' }],
      }),
  },
  {
    name: 'a read that says nothing of what its token stands for',
    invariant: 'I5',
    names: 'q8',
    parts: ({ reads }) =>
      reads.push({ request: 'q8', what: 'read', token: [{ stream: streams.plain, revision: 1 }], seen: [] }),
  },
  {
    name: 'a read of the audit that left no record',
    invariant: 'I1',
    names: 'q11',
    parts: ({ reads }) => reads.push({ request: 'q11', what: 'audit', token: [], seen: [], audited: true }),
  },
  {
    name: 'a read of the audit that is recorded twice',
    invariant: 'I1',
    names: 'q12',
    parts: (parts) => put(parts, streams.accesses, 'AuditRead', auditRead, 'q12'),
  },
  {
    name: 'a dead letter that stands though it was retried',
    invariant: 'I7',
    names: streams.plain,
    whole: (history) => void (history.letters = [{ ...history.letters![0]!, stands: true }]),
  },
  {
    name: 'an inference without a result',
    invariant: 'I8',
    names: streams.unanswered,
    parts: (parts) => void (parts.log = without(parts, streams.unanswered, 1)),
  },
  {
    name: 'an acknowledged inference without a result',
    invariant: 'I8',
    names: streams.rival,
    parts: (parts) => void (parts.log = without(parts, streams.rival, 1)),
  },
  {
    name: 'an inference with two results',
    invariant: 'I8',
    names: streams.plain,
    parts: (parts) => put(parts, streams.plain, 'InferenceFailed', failedData, 'r1', true),
  },
  {
    name: 'a result that was shown and then another',
    invariant: 'I8',
    names: 'q9',
    parts: ({ reads }) =>
      reads.push({
        request: 'q9',
        what: 'read',
        token: [],
        seen: [{ stream: streams.plain, shows: 'revision', revision: 1, status: 'failed' }],
      }),
  },
];

/** Kafka: something missing, something twice, out of order, of nobody, changed, and not there yet. */
function relayBreaches(): Breach[] {
  const breach = (name: string, names: string, change: (relayed: Relayed) => Partial<Relayed>): Breach => ({
    name: `Kafka: ${name}`,
    invariant: 'I3',
    names,
    whole: (history) => void (history.relayed = { ...history.relayed!, ...change(history.relayed!) }),
  });
  /** Changes one partition that has a few. */
  const inOne = (change: (records: readonly RelayedRecord[]) => readonly RelayedRecord[]) => (relayed: Relayed) => {
    const [place, records] = Object.entries(relayed.records).find(([, { length }]) => length > 2)!;
    return { records: { ...relayed.records, [place]: change(records) } };
  };
  return [
    breach(
      'a record that was lost',
      'lost',
      inOne((records) => records.slice(1)),
    ),
    breach(
      'a record that is there twice',
      'doubled',
      inOne((records) => [...records, records[0]!]),
    ),
    breach(
      'records out of order',
      'reordered',
      inOne(([first, second, ...rest]) => [second!, first!, ...rest]),
    ),
    breach(
      'a record of no event',
      'foreign',
      inOne((records) => [...records, { ...records[0]!, id: 'unheard-of' }]),
    ),
    breach(
      'a record that says something else',
      'altered',
      inOne(([first, ...rest]) => [{ ...first!, data: {} }, ...rest]),
    ),
    breach('a record in another partition', 'misplaced', ({ records }) => {
      const [[from, moved], [to, kept]] = Object.entries(records) as [
        [string, RelayedRecord[]],
        [string, RelayedRecord[]],
      ];
      const all = [...kept, moved[0]!].sort((a, b) => Number(a.position - b.position));
      return { records: { ...records, [from]: moved.slice(1), [to]: all } };
    }),
    breach('records beyond its checkpoint', 'beyond checkpoint', ({ checkpoint }) => ({
      checkpoint: checkpoint - 1n,
    })),
    breach('a relay that stopped before the end', 'the log goes on', ({ records, checkpoint }) => ({
      checkpoint: checkpoint - 1n,
      records: Object.fromEntries(
        Object.entries(records).map(([place, all]) => [place, all.filter(({ position }) => position < checkpoint)]),
      ),
    })),
  ];
}

/** Each read model: a row missing, one too many, one twice, one that is not what the log says. */
/** Of the tenant as of the earlier of two moments. */
function pastBreach(name: string, names: string, rowsOf: (rows: readonly Row[]) => readonly Row[]): Breach {
  const whole = (history: Mutable<History>) => {
    const [now, before] = history.models.asOf ?? [];
    change(history, { asOf: [now!, { ...before!, rows: rowsOf(before!.rows) }] });
  };
  return { name: `the tenant as of a moment: ${name}`, invariant: 'I4', names, whole };
}

function modelBreaches(): Breach[] {
  const stale: Readonly<Record<string, Row>> = {
    inferences: { status: 'queued' },
    audit: { correlationId: 'another' },
    keys: { status: 'revoked' },
    models: { revision: 0 },
    tenants: { name: 'other' },
    documents: { revision: 7 },
    rows: { revision: 7 },
  };
  return Object.entries(stale)
    .flatMap(([model, wrong]) => {
      const rowsOf = (history: History) => history.models[model as keyof ReadModels] as readonly Row[];
      const breach = (name: string, rows: (rows: readonly Row[]) => readonly Row[]): Breach => ({
        name: `${model}: ${name}`,
        invariant: 'I4',
        names: '',
        whole: (history) => change(history, { [model]: rows(rowsOf(history)) }),
      });
      const id = { documents: 'key', rows: 'key', audit: 'position' }[model] ?? 'id';
      return [
        breach('a row is missing', (rows) => rows.slice(1)),
        breach('a row is stale', ([first, ...rest]) => [{ ...first, ...wrong }, ...rest]),
        breach('a row is there twice', (rows) => [...rows, rows[0]!]),
        breach('a row is there that the log does not know', (rows) => [
          ...rows,
          { ...rows.at(-1), [id]: model === 'audit' ? '0' : 'unheard-of' },
        ]),
      ];
    })
    .concat(
      {
        name: 'the list of inferences: one under a status that it does not have',
        invariant: 'I4',
        names: 'queued',
        whole: (history) =>
          change(history, { lists: { ...history.models.lists, queued: history.models.lists.completed.slice(0, 1) } }),
      },
      {
        name: 'the list of inferences: one that has ended is missing under its status',
        invariant: 'I4',
        names: 'completed',
        whole: (history) => change(history, { lists: { ...history.models.lists, completed: [] } }),
      },
      pastBreach('a thing is missing', 'apikey', ([, ...rest]) => rest),
      pastBreach('a thing is as it was before', 'lacks', ([first, ...rest]) => [{ ...first, stream: 'x' }, ...rest]),
      pastBreach('a state is another', 'state', ([first, ...rest]) => [{ ...first, state: '{}' }, ...rest]),
      pastBreach('what had left is there', 'knows nothing', (rows) => [...rows, { stream: 'apikey-gone' }]),
      {
        name: 'the audit: not the newest first',
        invariant: 'I4',
        names: 'after an older event',
        whole: (history) => change(history, { audit: history.models.audit.toReversed() }),
      },
    );
}

describe('the history checker', () => {
  it('finds nothing in a good history', () => {
    expect(describeViolations(checkHistory(assemble(sampleParts())))).to.equal('');
  });

  it('says the same of a history that was written to a file', () => {
    const history = assemble(sampleParts());
    expect(parseHistory(printHistory(history))).to.deep.equal(history);
  });

  it('compares states whatever order their members stand in, without what is shown otherwise', () => {
    const state = comparableState({ a: { b: 1, c: [2, 3] }, d: null, email: 'sealed' });
    expect(comparableState({ d: null, email: '[erased]', a: { c: [2, 3], b: 1 } })).to.equal(state);
    expect(comparableState({ a: { b: 1, c: [3, 2] }, d: null })).not.to.equal(state);
    expect(comparableState({ a: { b: 1, c: [2, 3] } })).not.to.equal(state);
  });

  for (const { name, invariant, names, parts, whole } of breaches)
    it(`${invariant}: ${name}`, () => {
      const broken = sampleParts();
      parts?.(broken);
      const history = assemble(broken);
      whole?.(history);
      const violations = checkHistory(history);
      expect(new Set(violations.map((one) => one.invariant)), describeViolations(violations)).to.deep.equal(
        new Set([invariant]),
      );
      expect(describeViolations(violations)).to.include(names);
    });
});

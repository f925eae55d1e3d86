// docs/read-models.md is a contract: its tables say what the indices have, and its queries are run as they stand there.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { estypes } from '@elastic/elasticsearch';
import { expect } from 'chai';
import { definitionOf, versionIndex } from '#platform/projection/versions.ts';
import {
  type FieldValue,
  idOfNumber,
  type IndexDefinition,
  type SearchIndex,
} from '#platform/search-index/search-index.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import { entitiesReadModel, STILL_THERE } from '../../projectors/entities/read-model.ts';
import { inferencesReadModel, SEARCHED } from '../../projectors/inferences/read-model.ts';
import { notificationsReadModel } from '../../projectors/notifications/read-model.ts';
import { everyReadModel } from '../../projectors/read-models.ts';
import { describeOn } from '../services/describe-on.ts';
import { openTestSearchIndex } from '../support/elasticsearch-index.ts';
import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';

const document = await readFile(new URL('../../docs/read-models.md', import.meta.url), 'utf8');
const indices = everyReadModel.flatMap((one) => (one.kind === 'document' ? [] : [one.index]));

/** What stands under a heading, up to the next one. */
const sections = new Map(
  document
    .split(/^#{2,3} /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);
const blockOf = (title: string, language: string) =>
  new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(sections.get(title) ?? '')?.[1];

const DAY = 86_400_000;
const FROM = 1_785_542_400_000;

type Row = Readonly<Record<string, FieldValue>>;
const inference = (position: number, more: Row): Row => ({
  position,
  inference: `i${position}`,
  tenant: 'acme',
  status: 'completed',
  model: 'chat',
  createdAt: FROM,
  endedAt: FROM + 500,
  words: null,
  ...more,
});
const event = (position: number, actor: string, more: Row = {}): Row => ({
  position,
  tenant: 'acme',
  type: 'ApiKeyIssued',
  actor,
  stream: `apikey-${position}`,
  recordedAt: FROM + position,
  words: null,
  ...more,
});
const entity = (born: number, kind: string, more: Row = {}): Row => ({
  born,
  owner: 'acme',
  kind,
  stream: `${kind}-${born}`,
  changed: born,
  changedAt: FROM,
  gone: STILL_THERE,
  ...more,
});
const rows = new Map<IndexDefinition, readonly Row[]>([
  [
    inferencesReadModel.index,
    [
      inference(1, { words: 'a red rose in istanbul' }),
      inference(2, { endedAt: FROM + 1_400, words: 'rosebud istanbul' }),
      inference(3, { status: 'failed', model: 'language-id', createdAt: FROM + DAY, endedAt: FROM + DAY + 9 }),
      inference(4, { status: 'queued', createdAt: FROM + DAY, endedAt: null }),
      inference(5, { words: 'istanbulda rose' }),
      inference(6, { tenant: 'other', words: 'rose istanbul' }),
    ],
  ],
  [
    auditReadModel.index,
    [
      event(1, 'user:ada'),
      event(2, 'user:ada'),
      event(3, 'api-key:k1'),
      event(4, 'api-key:k0'),
      event(5, 'user:ada', { recordedAt: FROM + DAY }),
      event(6, 'user:eve', { tenant: 'other' }),
    ],
  ],
  [
    entitiesReadModel.index,
    [
      entity(10, 'apikey', { gone: 30 }),
      entity(20, 'apikey', { gone: 31 }),
      entity(21, 'apikey'),
      entity(30, 'member'),
      entity(31, 'member'),
      entity(22, 'model', { owner: 'other' }),
    ],
  ],
  [notificationsReadModel.index, []],
]);

/** By the title of each query: what both engines find. */
const expected = new Map<string, readonly object[]>([
  [
    'What was asked of each model, by day',
    [
      { day: '2026-08-01', model: 'chat', inferences: 3, failed: 0 },
      { day: '2026-08-02', model: 'chat', inferences: 1, failed: 0 },
      { day: '2026-08-02', model: 'language-id', inferences: 1, failed: 1 },
    ],
  ],
  ['How long answers took, from request to end', [{ model: 'chat', completed: 3, average: 800 }]],
  ['Which inferences were about something', [{ inference: 'i5' }, { inference: 'i1' }]],
  [
    'Who did most in a time',
    [
      { actor: 'user:ada', events: 2 },
      { actor: 'api-key:k0', events: 1 },
      { actor: 'api-key:k1', events: 1 },
    ],
  ],
  [
    'What a tenant had at a moment',
    [
      { kind: 'apikey', things: 2 },
      { kind: 'member', things: 1 },
    ],
  ],
]);

async function fill(index: SearchIndex): Promise<void> {
  for (const [definition, documents] of rows) {
    const versioned = definitionOf(definition, 1);
    await index.define(versioned);
    const writes = documents.map((fields) => ({
      id: idOfNumber(Number(fields[definition.sortBy])),
      revision: 0,
      fields,
    }));
    await index.apply(versioned.name, writes, { projection: 'p', positions: new Map([['t/0', 1n]]) });
    await index.refresh(versioned.name);
    await index.publish(definition.name, versionIndex(definition.name, 1));
  }
}

describe('the contract of read models', () => {
  it('names every field of every one, with its type', () => {
    for (const { name, fields } of indices) {
      const told = [...(sections.get(`\`${name}\``) ?? '').matchAll(/^\| `(\w+)` \| (\w+) \|/gm)];
      expect(Object.fromEntries(told.map(([, field, type]) => [field, type])), name).to.deep.equal(fields);
    }
    expect([...rows.keys()].map(({ name }) => name)).to.have.members(indices.map(({ name }) => name));
  });

  it('says how much of an inference has words, and what stands for a thing that is there', () => {
    const say = (count: number) => count.toLocaleString('en');
    const { characters, differentWords } = SEARCHED;
    expect(document).to.include(`${say(characters)} characters and ${say(differentWords)} different words`);
    expect(document).to.include(String(STILL_THERE));
  });

  it('has five queries of each engine, all of which are run here', () => {
    const asked = [...sections.keys()].filter((title) => blockOf(title, 'sql') && blockOf(title, 'json'));
    expect(asked).to.deep.equal([...expected.keys()]);
    expect(document.match(/^```(sql|json)$/gm)).to.have.length(2 * expected.size);
  });

  it('has queries of the SQLite file that find what they say', async () => {
    const opened = await openTemporarySearchIndex('here');
    try {
      await fill(opened.index);
      const database = new DatabaseSync(join(opened.path, 'search.sqlite'), { readOnly: true });
      for (const [title, found] of expected) {
        const answer = database.prepare(blockOf(title, 'sql') ?? '').all();
        expect(
          answer.map((row) => ({ ...row })),
          title,
        ).to.deep.equal(found);
      }
      database.close();
    } finally {
      await opened.close();
    }
  });
});

interface Bucket {
  readonly key: string | number;
  readonly doc_count: number;
  readonly [inner: string]: unknown;
}

const bucketsIn = (from: unknown, name: string) =>
  ((from as Record<string, unknown>)[name] as { readonly buckets: readonly Bucket[] }).buckets;
const numberIn = (bucket: Bucket, name: string, member: string) =>
  (bucket[name] as Readonly<Record<string, number>>)[member] ?? Number.NaN;

/** An answer of Elasticsearch as the rows that SQL would give. */
const toRows: Readonly<Record<string, (answer: estypes.SearchResponse<Record<string, unknown>>) => object[]>> = {
  'What was asked of each model, by day': ({ aggregations }) =>
    bucketsIn(aggregations, 'days').flatMap((day) =>
      bucketsIn(day, 'models').map((model) => ({
        day: new Date(Number(day.key)).toISOString().slice(0, 10),
        model: model.key,
        inferences: model.doc_count,
        failed: numberIn(model, 'failed', 'doc_count'),
      })),
    ),
  'How long answers took, from request to end': ({ aggregations }) =>
    bucketsIn(aggregations, 'models').map((model) => ({
      model: model.key,
      completed: model.doc_count,
      average: numberIn(model, 'ended', 'value') - numberIn(model, 'asked', 'value'),
    })),
  'Which inferences were about something': ({ hits }) =>
    hits.hits.map(({ _source }) => ({ inference: _source?.['f_inference'] })),
  'Who did most in a time': ({ aggregations }) =>
    bucketsIn(aggregations, 'actors').map((actor) => ({ actor: actor.key, events: actor.doc_count })),
  'What a tenant had at a moment': ({ aggregations }) =>
    bucketsIn(aggregations, 'kinds').map((kind) => ({ kind: kind.key, things: kind.doc_count })),
};

describeOn(['elasticsearch'], 'the contract of read models, on Elasticsearch', (env) => {
  it('has queries that find what they say', async () => {
    const opened = await openTestSearchIndex(env);
    try {
      await fill(opened.index);
      for (const [title, found] of expected) {
        const [, name = '', body = ''] =
          /^POST \/defter-(\w+)\/_search\n([^]*)$/.exec(blockOf(title, 'json') ?? '') ?? [];
        const search = JSON.parse(body) as estypes.SearchRequest;
        const answer = await opened.client.search<Record<string, unknown>>({
          index: `${opened.namespace}-${name}`,
          ...search,
        });
        expect(toRows[title]?.(answer), title).to.deep.equal(found);
      }
    } finally {
      await opened.close();
    }
  });
});

// Documents on their way into Elasticsearch. Each carries its revision as an external version, so that what comes late,
// twice or from a zombie changes nothing whatever the order; a tombstone is a document too, because Elasticsearch forgets
// the versions of deleted ones. A bulk answers 200 even if it failed: every item is looked at.

import { backOff, pause, spread } from '../patience/back-off.ts';
import { DocumentRefused } from '../document-refused.ts';
import { ElasticsearchRefused, ElasticsearchUnavailable, isPassing } from '../elasticsearch/elasticsearch-errors.ts';
import type { ElasticsearchLink } from '../elasticsearch/open-elasticsearch.ts';
import { digestOf, keptFields } from './digest-of.ts';
import { hasText, sourceField } from './elasticsearch-mapping.ts';
import type { IndexDefinition, IndexWrite } from './search-index.ts';

/** Of one request, in bytes and documents. */
const MOST_BYTES = 4 * 1_048_576;
const MOST_ITEMS = 500;
/** Requests under way for one batch. */
const AT_ONCE = 2;
const RETRY = { first: 50, most: 2_000 } as const;
/** Milliseconds: one request; until when items that the server cannot take now are sent again. */
const REQUEST_MS = 30_000;
const RETRY_MS = 30_000;
/**
 * What Elasticsearch says of a value that the mapping does not take. Other answers of the same status 400 are about the
 * index: closed, without an alias to write to, with a pipeline that is not there.
 */
const DOCUMENTS_FAULTS = new Set([
  'document_parsing_exception',
  'mapper_parsing_exception',
  'strict_dynamic_mapping_exception',
]);

interface Item {
  readonly id: string;
  /** Action and document, each ending with a new line. */
  readonly lines: string;
}

interface BulkAnswer {
  readonly errors: boolean;
  readonly items?: readonly {
    readonly index?: { readonly status: number; readonly error?: { readonly type: string } };
  }[];
}

/**
 * Resolves when all documents, or newer ones, are durable. Rejects with `DocumentRefused` naming one that the mapping does
 * not take.
 */
export async function writeDocuments(
  link: ElasticsearchLink,
  alias: string,
  index: IndexDefinition,
  writes: readonly IndexWrite[],
): Promise<void> {
  // What is left to send is made into lines while Elasticsearch is at work on the rest. A sender that fails ends its loop,
  // and with it the others', after what they have under way.
  const rest = parts(index, newestOf(writes));
  const sendRest = async () => {
    for (const part of rest) await send(link, alias, index, part);
  };
  const senders = Array.from({ length: AT_ONCE }, sendRest);
  const failure = (await Promise.allSettled(senders)).find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}

/** Of several writes of a document the one that would stand in the end: versions refuse the others in any order. */
function newestOf(writes: readonly IndexWrite[]): IndexWrite[] {
  const newest = new Map<string, IndexWrite>();
  for (const write of writes) {
    const other = newest.get(write.id);
    if (!other || write.revision > other.revision) newest.set(write.id, write);
  }
  return [...newest.values()];
}

function toItem(index: IndexDefinition, { id: given, revision, fields }: IndexWrite): Item {
  const id = given.toWellFormed();
  const action = { index: { _id: id, version: revision + 1, version_type: 'external' } };
  const document = fields
    ? { id, rev: revision, ...toSource(index, keptFields(index, fields)) }
    : { id, rev: revision, deleted: true };
  return { id, lines: `${JSON.stringify(action)}\n${JSON.stringify(document)}\n` };
}

/** Text is not given back: where there is some, the digest must be made while it is here. */
function toSource(index: IndexDefinition, kept: ReturnType<typeof keptFields>) {
  const source = Object.fromEntries(Object.entries(kept).map(([field, value]) => [sourceField(field), value]));
  return hasText(index) ? { digest: digestOf(kept), ...source } : source;
}

/** Shared by several senders: each part is given once. */
function* parts(index: IndexDefinition, writes: readonly IndexWrite[]): Generator<readonly Item[]> {
  let part: Item[] = [];
  let bytes = 0;
  for (const write of writes) {
    const item = toItem(index, write);
    const size = Buffer.byteLength(item.lines);
    if (part.length > 0 && (bytes + size > MOST_BYTES || part.length === MOST_ITEMS)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

async function send(
  link: ElasticsearchLink,
  alias: string,
  index: IndexDefinition,
  items: readonly Item[],
): Promise<void> {
  const began = performance.now();
  let open = items;
  for (let round = 1; open.length > 0; round++) {
    const { busy, passing, refused } = classify(open, await request(link, alias, open));
    if (refused) {
      throw new DocumentRefused(`index ${index.name}: the document ${refused.id} is refused (${refused.type})`);
    }
    if (busy.length > 0 && performance.now() - began >= RETRY_MS) {
      const reason = `${busy.length} documents were answered ${passing?.status} ${passing?.type}`;
      throw new ElasticsearchUnavailable(`Elasticsearch at ${link.server} cannot write: ${reason}`);
    }
    open = busy;
    if (busy.length > 0) await pause(spread(backOff(round, RETRY.first, RETRY.most)));
  }
}

async function request(link: ElasticsearchLink, alias: string, items: readonly Item[]): Promise<BulkAnswer> {
  const body = items.map(({ lines }) => lines).join('');
  return link.call(
    (client, options) =>
      client.transport.request<BulkAnswer>(
        {
          method: 'POST',
          path: `/${alias}/_bulk`,
          bulkBody: body,
          querystring: {
            require_alias: true,
            timeout: '10s',
            filter_path: 'errors,items.*.status,items.*.error.type',
          },
        },
        options,
      ),
    { tryMs: REQUEST_MS, retryMs: RETRY_MS },
  );
}

interface Verdict {
  /** To be sent again, and what was said of the last of them. */
  readonly busy: Item[];
  readonly passing?: { readonly status: number; readonly type: string };
  /** The first document that the mapping does not take. */
  readonly refused?: { readonly id: string; readonly type: string };
}

/** 409: the same or a newer one is there. Throws for what is neither a document's fault nor the moment's. */
function classify(items: readonly Item[], { errors, items: answers = [] }: BulkAnswer): Verdict {
  if (!errors) return { busy: [] };
  const busy: Item[] = [];
  let passing: Verdict['passing'];
  let refused: Verdict['refused'];
  for (const [at, item] of items.entries()) {
    const { status = 0, error } = answers[at]?.index ?? {};
    const type = error?.type ?? 'no_answer';
    if ((status >= 200 && status < 300) || status === 409) continue;
    if (isPassing(status, type)) {
      busy.push(item);
      passing = { status, type };
    } else if (DOCUMENTS_FAULTS.has(type)) refused ??= { id: item.id, type };
    else throw new ElasticsearchRefused(status, type);
  }
  return { busy, ...(passing && { passing }), ...(refused && { refused }) };
}

// The read store in Redis, shared by all services. A batch of documents and the positions that it reaches are written by
// one script, so they are there together or not at all, and are rolled back together when the server loses its last second
// (it syncs once a second): `apply` then refuses to go on from positions that the store does not have any more, and whoever
// reads the positions again goes on from there. A batch of which the outcome is unknown is simply written again, for the
// revisions guard it.

import type { GenerationMark } from '../log-generation.ts';
import { DocumentRefused, onlyFor } from '../document-refused.ts';
import { READ_DEADLINE_MS, openRedis, type RedisOptions, WRITE_DEADLINE_MS } from '../redis/open-redis.ts';
import { checkRedis } from '../redis/check-redis.ts';
import { answeredCode } from '../redis/redis-errors.ts';
import { LARGE, LARGE_COMMANDS, type RedisArgument } from '../redis/redis-script.ts';
import type { Checkpoint, DocumentWrite, RangeOptions, ReadStore, ScanPage, StoredDocument } from './read-store.ts';
import { parseDocument, positionText, pushWrite, putText } from './redis-document-codec.ts';
import { literally, walkKeys } from './redis-key-walk.ts';
import {
  applyScript,
  claimScript,
  IS_DOCUMENT,
  OTHER_GENERATION,
  putScript,
  rangeAfterScript,
  removeOthersScript,
  removeScript,
  ROLLED_BACK,
  TOO_GREAT,
} from './redis-read-store-script.ts';
import { finalError, transientError } from '../errors.ts';

/** Keys asked for at once. */
const MOST_KEYS = 1_000;
/** Steps over other people's keys after which a page of a scan is given though it is empty. */
const MOST_STEPS = 50;
/** Keys looked at, and then removed, at once where the store is emptied. */
const EMPTIED_AT_ONCE = 1_000;
/** Above any byte of UTF-8. */
const ABOVE_ALL = Buffer.from([0xff]);

/**
 * The store lost positions that it had acknowledged (a crash before they were synced, a replica that took over): documents
 * may be missing with them. Whoever writes must begin again from the positions that are there.
 */
export class StoreRolledBack extends finalError('store-rolled-back') {}

/**
 * The store has been emptied, or marked, for another log than the one that this process has open. Nothing is wrong with what
 * was to be written.
 */
export class StoreOfOtherLog extends transientError('other-generation') {}

export interface RedisReadStore extends ReadStore, GenerationMark {
  /** Rejects with a sentence unless the server answers now. */
  health(): Promise<void>;
}

/** Also rejects with a `StartError` when the server may lose or evict documents. */
export async function openRedisReadStore(options: RedisOptions): Promise<RedisReadStore> {
  const { log, namespace } = options;
  const link = await openRedis({ ...options, what: 'read store' }, (redis, server) => checkRedis(redis, server, log));
  const prefix = `{${namespace}}:`;
  const putKeys = `${prefix}k`;
  const mark = `${prefix}g`;
  const documentKey = (key: string) => `${prefix}d:${key}`;
  /** Per projection what this handle has read or moved, which the store must not fall behind. */
  const acknowledged = new Map<string, Map<string, string>>();
  /** As claimed: it goes with each write, for the server may be emptied, or fall back to what it was, at any time. */
  let ownGeneration = '';
  /** Where each drop stands. */
  const drops = new Map<string, string>();

  const read = <T>(work: Parameters<typeof link.call<T>>[0]) => link.call(work, READ_DEADLINE_MS);
  const write = <T>(work: Parameters<typeof link.call<T>>[0]) => link.call(work, WRITE_DEADLINE_MS);

  async function valuesOf(keys: readonly string[]): Promise<(string | null)[]> {
    const parts: string[][] = [];
    for (let from = 0; from < keys.length; from += MOST_KEYS) parts.push(keys.slice(from, from + MOST_KEYS));
    const values = await Promise.all(parts.map((part) => read((redis) => getMany(redis, part))));
    return values.length === 1 && values[0] ? values[0] : values.flat();
  }

  function acknowledge(projection: string, positions: Iterable<readonly [string, string]>): void {
    const known = acknowledged.get(projection) ?? new Map<string, string>();
    for (const [partition, position] of positions) {
      if (position > (known.get(partition) ?? '')) known.set(partition, position);
    }
    acknowledged.set(projection, known);
  }

  function argumentsOf(writes: readonly DocumentWrite[], checkpoint: Checkpoint | undefined): RedisArgument[] {
    const { projection, positions } = checkpoint ?? { projection: '', positions: new Map<string, bigint>() };
    const known = acknowledged.get(projection) ?? new Map<string, string>();
    // What moves nothing stays where it is, which shows whether the store has lost what it was folded from.
    const moves =
      positions.size > 0
        ? [...positions].map(([partition, position]) => [partition, positionText(position)] as const)
        : [...known];
    const args: RedisArgument[] = [prefix, projection, ownGeneration, moves.length];
    for (const [partition, position] of moves) args.push(partition, position, known.get(partition) ?? '');
    args.push(writes.length);
    for (const write of writes) onlyFor(write.key, () => pushWrite(args, write));
    return args;
  }

  return {
    async get(keys) {
      const texts = await valuesOf(keys.map(documentKey));
      return texts.map((text) => (text === null ? undefined : parseDocument(text)));
    },
    async range(set, options) {
      const key = `${prefix}s:${set}`;
      if (options.limit <= 0) return [];
      return pairs(
        await read((redis) => (options.after ? rangeAfter(redis, key, options) : range(redis, key, options))),
      );
    },
    sizes: (sets) => Promise.all(sets.map((set) => read((redis) => redis.zcard(`${prefix}s:${set}`)))),
    async counters(names) {
      return (await valuesOf(names.map((name) => `${prefix}c:${name}`))).map(Number);
    },
    async apply(writes, checkpoint) {
      const args = argumentsOf(writes, checkpoint);
      const advanced = await write((redis) => applyScript(redis, [putKeys], args)).catch(translate);
      if (checkpoint) {
        const { projection, positions } = checkpoint;
        acknowledge(
          projection,
          [...positions].map(([partition, position]) => [partition, positionText(position)]),
        );
      }
      if (!Array.isArray(advanced)) return new Set(writes.map(({ key }) => key));
      return new Set((advanced as number[]).map((number) => writes[number - 1]?.key ?? ''));
    },
    async positions(projection) {
      const found = Object.entries(await read((redis) => redis.hgetall(`${prefix}p:${projection}`)));
      // From here on, whatever was known before.
      acknowledged.set(projection, new Map(found));
      return new Map(found.map(([partition, position]) => [partition, BigInt(position)]));
    },
    async put(key, value) {
      const text = putText(value);
      await write((redis) => putScript(redis, [documentKey(key), putKeys], [key, text])).catch((error: unknown) => {
        if (answeredCode(error) !== IS_DOCUMENT) throw error;
        throw new TypeError(`${key} is the key of a document: it cannot be put`);
      });
    },
    async remove(key) {
      await write((redis) => removeScript(redis, [documentKey(key), putKeys], [key]));
    },
    async keys(start, limit) {
      if (limit <= 0) return [];
      const from = Buffer.from(start);
      const [low, high] = [Buffer.concat([Buffer.from('['), from]), Buffer.concat([Buffer.from('('), from, ABOVE_ALL])];
      return read((redis) => redis.zrangebylex(putKeys, low, high, 'LIMIT', 0, limit));
    },
    async scan(start, { limit, cursor }): Promise<ScanPage> {
      const pattern = `${literally(documentKey(start))}*`;
      let next = cursor;
      for (let step = 1; ; step++) {
        const place = next;
        const walked = await read((redis) => walkKeys(redis, pattern, limit, place));
        next = walked.next;
        const texts = await valuesOf(walked.keys);
        const documents = walked.keys.flatMap((key, at) => documentOf(key.slice(documentKey('').length), texts[at]));
        if (next === undefined) return { documents };
        if (documents.length > 0 || step >= MOST_STEPS) return { documents, cursor: next };
      }
    },
    async drop(start, limit) {
      const pattern = `${literally(prefix)}[dscp]:${literally(start)}*`;
      let removed = 0;
      for (;;) {
        const { keys, next } = await write((redis) => walkKeys(redis, pattern, limit, drops.get(start)));
        if (keys.length > 0) {
          const names = keys.map((key) => key.slice(prefix.length + 2));
          await write((redis) => redis.unlink(...keys));
          await write((redis) => redis.zrem(putKeys, ...names));
          for (const name of names) acknowledged.delete(name);
        }
        removed += keys.length;
        if (next === undefined) drops.delete(start);
        else drops.set(start, next);
        if (next === undefined || removed >= limit) return removed;
      }
    },
    async claim(generation) {
      ownGeneration = generation;
      return String(await write((redis) => claimScript(redis, [mark], [generation])));
    },
    async startOver(generation) {
      const pattern = `${literally(prefix)}[dscp]:*`;
      let place: string | undefined;
      do {
        const from = place;
        const { keys, next } = await write((redis) => walkKeys(redis, pattern, EMPTIED_AT_ONCE, from));
        const names = [mark, putKeys, ...keys];
        // Another process may have been quicker, and have written what is to stay.
        if ((await write((redis) => removeOthersScript(redis, names, [generation]))) === 0) break;
        place = next;
      } while (place !== undefined);
      await write((redis) => redis.set(mark, generation));
      ownGeneration = generation;
      acknowledged.clear();
    },
    health: () => link.health(),
    close: () => link.close(),
  };
}

type Redis = Parameters<typeof applyScript>[0];

const getMany = (redis: Redis, keys: readonly string[]) =>
  keys.length < LARGE ? redis.mget(...keys) : (redis.call(LARGE_COMMANDS.get, [...keys]) as Promise<(string | null)[]>);

function range(redis: Redis, key: string, { limit, reverse }: RangeOptions): Promise<string[]> {
  return reverse
    ? redis.zrevrange(key, 0, limit - 1, 'WITHSCORES')
    : redis.zrange(key, 0, String(limit - 1), 'WITHSCORES');
}

async function rangeAfter(redis: Redis, key: string, { limit, reverse, after }: RangeOptions): Promise<string[]> {
  const score = after?.score === Infinity ? '+inf' : after?.score === -Infinity ? '-inf' : String(after?.score);
  const args = [score, after?.member ?? '', limit, reverse ? 'reverse' : ''];
  return (await rangeAfterScript(redis, [key], args)) as string[];
}

/** Redis answers members and scores in turn. */
function pairs(flat: readonly string[]): { member: string; score: number }[] {
  const found: { member: string; score: number }[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) found.push({ member: flat[at] ?? '', score: Number(flat[at + 1]) });
  return found;
}

function documentOf(key: string, text: string | null | undefined): (StoredDocument & { readonly key: string })[] {
  if (text === null || text === undefined) return [];
  const { value, revision } = parseDocument(text);
  return revision === -1 ? [] : [{ key, value, revision }];
}

function translate(error: unknown): never {
  const code = answeredCode(error);
  const about = error instanceof Error ? error.message.slice((code ?? '').length + 1) : '';
  if (code === TOO_GREAT) throw new DocumentRefused(`the counter ${about} would pass 2^53 - 1`, { cause: error });
  if (code === OTHER_GENERATION) {
    throw new StoreOfOtherLog(`the read store (Redis) holds read models of another log (generation ${about})`, {
      cause: error,
    });
  }
  if (code !== ROLLED_BACK) throw error;
  throw new StoreRolledBack(`Redis has lost what it had acknowledged of ${about}`, { cause: error });
}

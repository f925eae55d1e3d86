// How documents and writes are written down for Redis. Everything is checked here, before anything is sent.

import { finite, toJson, whole } from './check-values.ts';
import type { RedisArgument } from '../redis/redis-script.ts';
import type { DocumentWrite, StoredDocument } from './read-store.ts';
import { POSITION_DIGITS, PUT_MARK, REVISION_DIGITS } from './redis-read-store-script.ts';

/** The latest moment that is a date; what expires later does not. */
const LATEST = 8_640_000_000_000_000;

export const positionText = (position: bigint): string => position.toString().padStart(POSITION_DIGITS, '0');

export function documentText(revision: number, value: unknown): string {
  if (revision < 0) throw new TypeError(`${revision} is not a revision`);
  return revisionText(revision) + toJson(value);
}

export const putText = (value: unknown): string => PUT_MARK + toJson(value);

export function parseDocument(text: string): StoredDocument {
  const head = text.slice(0, REVISION_DIGITS);
  return { value: JSON.parse(text.slice(REVISION_DIGITS)) as unknown, revision: head === PUT_MARK ? -1 : Number(head) };
}

/** Appends what the script is to be told of a write. */
export function pushWrite(args: RedisArgument[], write: DocumentWrite): void {
  const { key, revision, value, base, expiresAt = Infinity, members = [], counts = [] } = write;
  const expiry = expiryText(expiresAt);
  args.push(key, documentText(revision, value));
  if (base === undefined && expiry === '' && members.length === 0 && counts.length === 0) {
    args.push('');
    return;
  }
  args.push('+', baseText(base), expiry, members.length);
  for (const { set, member, score } of members) args.push(set, member, score === null ? '' : scoreText(score));
  args.push(counts.length);
  for (const { counter, by } of counts) args.push(counter, String(whole(by)));
}

function baseText(base: number | undefined): string {
  if (base === undefined) return '';
  return base === -1 ? '-' : revisionText(base);
}

function expiryText(expiresAt: number): string {
  if (Number.isNaN(expiresAt)) throw new TypeError('the time of expiry is not a number');
  if (expiresAt > LATEST) return '';
  return String(Math.max(1, Math.floor(expiresAt)));
}

const revisionText = (revision: number): string => String(whole(revision)).padStart(REVISION_DIGITS, '0');

const scoreText = (score: number): string => String(finite(score));

// A whole tenant at a moment, and between two.

import { ownerOf, type Standing } from '#events/standing.ts';
import { LONGEST_MS, type Session, sessions, sessionStands } from '#events/session.ts';
import { subjectOf } from '#events/streams.ts';
import { type UserState, users } from '#events/user.ts';
import type { PageEnd } from '../page-cursor.ts';
import { type EntityThen, type PastEntities, TENANT_KINDS } from './past-entities.ts';

/** In one answer. */
const MOST_ENTITIES = 5_000;
/** Of the people in one answer, who are no more than its entities. */
const MOST_SESSIONS = 20_000;

/** Where an answer ended: at a thing of this kind, by its birth. */
export interface Portion<One> {
  readonly found: readonly One[];
  readonly next: PageEnd | undefined;
}

/** How one thing was at two moments; undefined where it was not there. */
export interface Difference {
  readonly stream: string;
  readonly kind: string;
  readonly before: EntityThen | undefined;
  readonly after: EntityThen | undefined;
}

/** What the tenant itself is told of beside its things. */
const THINGS = TENANT_KINDS.filter((kind) => kind !== 'tenant');

/** By kind, then age. */
export async function tenantAt(
  entities: PastEntities,
  tenantId: string,
  position: bigint,
  after: PageEnd | undefined,
  most = MOST_ENTITIES,
): Promise<Portion<EntityThen>> {
  const owners = [tenantId];
  const { found, next } = await inPortions(THINGS, after, most, (kind, bornAfter, limit) =>
    entities.find({ owners, kinds: [kind], until: position, since: position, bornAfter, limit }),
  );
  const then = await entities.at(found, new Set(owners), position);
  return { found: then.filter((one) => one !== undefined), next };
}

/** What is not the same at two moments, by kind, then age. */
export async function tenantBetween(
  entities: PastEntities,
  tenantId: string,
  window: { readonly from: bigint; readonly to: bigint },
  after: PageEnd | undefined,
  most = MOST_ENTITIES,
): Promise<Portion<Difference>> {
  const { from, to } = window;
  const owners = [tenantId];
  const { found, next } = await inPortions(TENANT_KINDS, after, most, (kind, bornAfter, limit) =>
    entities.find({ owners, kinds: [kind], until: to, since: from, changedAfter: from, bornAfter, limit }),
  );
  const [before, now] = await Promise.all([from, to].map((at) => entities.at(found, new Set(owners), at)));
  const differences = found.map(({ stream, kind }, at): Difference => ({
    stream,
    kind,
    before: before?.[at],
    after: now?.[at],
  }));
  return { found: differences.filter(({ before: one, after: other }) => one?.revision !== other?.revision), next };
}

/** The place before the first thing of a kind. */
const BEFORE_ALL = 0n;

async function inPortions<One extends { readonly born: bigint }>(
  kinds: readonly string[],
  after: PageEnd | undefined,
  most: number,
  find: (kind: string, bornAfter: bigint | undefined, limit: number) => Promise<readonly One[]>,
): Promise<Portion<One>> {
  const found: One[] = [];
  for (const kind of kinds) {
    if (after !== undefined && kind < after.id) continue;
    const room = most - found.length;
    const some = await find(kind, after?.id === kind ? BigInt(after.sort) : undefined, room + 1);
    found.push(...some.slice(0, room));
    if (some.length > room) return { found, next: { sort: Number(some[room - 1]?.born ?? BEFORE_ALL), id: kind } };
  }
  return { found, next: undefined };
}

/** A person's own state then, and the sessions of theirs that went on. */
export interface PersonThen {
  readonly id: string;
  readonly state: Exclude<UserState, { status: 'absent' }>;
}

export interface PeopleThen {
  readonly people: readonly PersonThen[];
  readonly sessions: readonly { readonly id: string; readonly session: Session }[];
  /** There may be more sessions. */
  readonly truncated: boolean;
}

/**
 * Those who were active members then. Of one who was only invited a tenant is told no more than it said itself, which their
 * membership has.
 */
export async function peopleAt(
  entities: PastEntities,
  ofTenant: readonly EntityThen[],
  position: bigint,
  clock: number,
  mostSessions = MOST_SESSIONS,
): Promise<PeopleThen> {
  const owners = ofTenant.flatMap(({ standing }) => activeMember(standing));
  const wanted = { owners, until: position, since: position };
  const persons = await entities.find({ ...wanted, kinds: [users.category], limit: MOST_SESSIONS });
  // Most sessions are over without an end in the log: those of nobody who was there in this while.
  const unused = clock - LONGEST_MS.unused;
  const limit = mostSessions + 1;
  const signedIn = await entities.find({ ...wanted, kinds: [sessions.category], usedAfter: unused, limit });
  const found = [...persons, ...signedIn.slice(0, mostSessions)];
  const then = (await entities.at(found, new Set(owners), position)).filter((one) => one !== undefined);
  const people = then.flatMap(({ stream, standing }): PersonThen[] =>
    standing.of === 'user' ? [{ id: subjectOf(stream), state: standing.state }] : [],
  );
  const states = new Map(people.map(({ id, state }) => [id, state]));
  const goingOn = then.flatMap(({ stream, standing }) => {
    if (standing.of !== 'session') return [];
    const id = subjectOf(stream);
    const stands = sessionStands(id, standing.state, states.get(ownerOf(stream, standing)), clock);
    return stands ? [{ id, session: standing.state.session }] : [];
  });
  return { people, sessions: goingOn, truncated: signedIn.length > mostSessions };
}

const activeMember = (standing: Standing): string[] =>
  standing.of === 'member' && standing.state.status === 'active' ? [standing.state.member.userId] : [];

// A whole tenant at a moment, and between two.

import { ownerOf, type Standing } from '#events/standing.ts';
import { type Session, sessions, sessionStands } from '#events/session.ts';
import { subjectOf } from '#events/streams.ts';
import { type UserState, users } from '#events/user.ts';
import type { PageEnd } from '../page-cursor.ts';
import { type EntityThen, type PastEntities, TENANT_KINDS } from './past-entities.ts';

/** In one answer. */
const MOST_ENTITIES = 5_000;
/** Of the people in one answer. */
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
): Promise<Portion<EntityThen>> {
  const owners = [tenantId];
  const { found, next } = await inPortions(THINGS, after, (kind, bornAfter, limit) =>
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
): Promise<Portion<Difference>> {
  const { from, to } = window;
  const owners = [tenantId];
  const { found, next } = await inPortions(TENANT_KINDS, after, (kind, bornAfter, limit) =>
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

async function inPortions<One extends { readonly born: bigint }>(
  kinds: readonly string[],
  after: PageEnd | undefined,
  find: (kind: string, bornAfter: bigint | undefined, limit: number) => Promise<readonly One[]>,
): Promise<Portion<One>> {
  const found: One[] = [];
  for (const kind of kinds) {
    if (after !== undefined && kind < after.id) continue;
    const room = MOST_ENTITIES - found.length;
    const some = await find(kind, after?.id === kind ? BigInt(after.sort) : undefined, room + 1);
    found.push(...some.slice(0, room));
    const last = found.at(-1);
    if (some.length > room) return { found, next: last && { sort: Number(last.born), id: kind } };
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
): Promise<PeopleThen> {
  const owners = ofTenant.flatMap(({ standing }) => activeMember(standing));
  const kinds = [users.category, sessions.category];
  const limit = MOST_SESSIONS + owners.length;
  const found = await entities.find({ owners, kinds, until: position, since: position, limit });
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
  return { people, sessions: goingOn };
}

const activeMember = (standing: Standing): string[] =>
  standing.of === 'member' && standing.state.status === 'active' ? [standing.state.member.userId] : [];

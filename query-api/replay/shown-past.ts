// What one request shows of the past: each state once, however often it is compared.

import type { EntityView, PersonThenView, SessionThenView } from '#contracts/replay.ts';
import { isoTime } from '#contracts/views.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { subjectOf } from '#events/streams.ts';
import { users } from '#events/user.ts';
import type { ShownValues, Viewer } from '../audit/shown-values.ts';
import { viewAuditEvent } from '../audit/view-audit-event.ts';
import { type Change, changesBetween } from './changes.ts';
import { inTurn } from '../in-turn.ts';
import type { EntityThen } from './past-entities.ts';
import type { PeopleThen } from './past-tenant.ts';

/** For one request. */
export type ShownTo = (viewer: Viewer) => ShownPast;

export function createShownPast(values: ShownValues, viewer: Viewer) {
  const shown = new Map<unknown, unknown>();
  /** null where there is nothing. */
  async function state(stream: string, value: unknown): Promise<unknown> {
    if (value === null || value === undefined || isAbsent(value)) return null;
    if (!shown.has(value)) shown.set(value, values.stateOf(stream, value, viewer));
    return shown.get(value);
  }

  const entity = async (one: EntityThen): Promise<EntityView> => ({
    kind: one.kind,
    id: subjectOf(one.stream),
    stream: one.stream,
    revision: one.revision,
    changedAt: { position: String(one.position), time: isoTime(one.changedAt) },
    state: await state(one.stream, one.standing.state),
  });

  return {
    event: (event: RecordedEvent) => viewAuditEvent(values, event, viewer),
    state,
    entities: (all: readonly EntityThen[]) => inTurn(all, entity),

    async changes(stream: string, before: unknown, after: unknown): Promise<Change[]> {
      return changesBetween(await state(stream, before), await state(stream, after));
    },

    async people({ people, sessions, truncated }: PeopleThen) {
      const views = await inTurn(people, async ({ id, state: { status, user } }): Promise<PersonThenView> => {
        const { name, email, language } = user;
        const opened = (await values.stateOf(users.stream(id), { name, email }, viewer)) as Pick<
          PersonThenView,
          'name' | 'email'
        >;
        return { id, name: opened.name, email: opened.email, language, status };
      });
      const sessionViews = sessions.map(({ id, session }): SessionThenView => ({
        id,
        userId: session.userId,
        startedAt: isoTime(session.startedAt),
        refreshedAt: isoTime(session.refreshedAt),
      }));
      return { people: views, sessions: sessionViews, sessionsTruncated: truncated };
    },
  };
}

export type ShownPast = ReturnType<typeof createShownPast>;

const isAbsent = (value: unknown) => (value as { readonly status?: unknown }).status === 'absent';

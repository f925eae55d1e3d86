// Rotating a key: the new one is issued, then the old one is told of it and of its own end. Each step may be repeated after a
// crash. Of two who rotate one key at once, one is refused, and the key that was issued for it is revoked. Who asked without
// an Idempotency-Key and had no answer may find a successor that nobody has: it opens nothing, as its random secret was never
// told to anyone nor kept, and the old key does not name it. It is listed, and revoked like any.

import { v5 } from 'uuid';
import { problems } from '#contracts/problems.ts';
import { apiKeys, type ApiKeyState } from '#events/api-key.ts';
import { hashApiKey } from '#platform/auth/api-key.ts';
import { Problem } from '#platform/http/problem.ts';
import type { CommandOrigin } from '../origin.ts';
import { type CommandPorts, type Done, runCommand } from '../run-command.ts';
import {
  decideIssueApiKey,
  decideRevokeApiKey,
  decideRotateApiKey,
  type RotationRefusal,
  rotationRefusal,
} from './decide.ts';

export interface Rotation {
  /** The key that is rotated. */
  readonly id: string;
  readonly old: ApiKeyState;
  /** The new key itself, of the id that the command gives. */
  readonly key: string;
  readonly personId: string | null;
  /** Until when it may live at most, in milliseconds since the epoch; null without end. */
  readonly until: number | null;
  readonly overlapMs: number;
  readonly now: number;
  /** Of the key's tenant. */
  readonly origin: CommandOrigin;
}

export interface Rotated {
  /** Of the new key. */
  readonly done: Done<ApiKeyState>;
  readonly old: Done<ApiKeyState>;
}

const refusals: Readonly<Record<RotationRefusal, (state: ApiKeyState) => Problem>> = {
  inactive: () => new Problem(problems.conflict, { detail: 'The key is revoked, or its time is over.' }),
  rotated: (state) => {
    const successor = state.status === 'absent' ? null : state.key.successor;
    return new Problem(problems.conflict, { detail: `The key was rotated already; ${successor} takes its place.` });
  },
};

/** Throws 409 for a key that is not active any more, or has another successor. */
export async function rotateApiKey(ports: CommandPorts, rotation: Rotation): Promise<Rotated> {
  const { id, now, overlapMs, origin } = rotation;
  const done = await issueSuccessor(ports, rotation);
  const by = beside(origin, 'rotated');
  const old = await runCommand<ApiKeyState, RotationRefusal>(ports, {
    aggregate: apiKeys,
    stream: apiKeys.stream(id),
    origin: by,
    refusals,
    decide: (state) =>
      decideRotateApiKey({ successor: origin.subjectId, until: now + overlapMs, now, origin: by }, state),
  }).catch(async (error: unknown) => {
    if (error instanceof Problem) await revokeSuccessor(ports, origin);
    throw error;
  });
  return { done, old };
}

function issueSuccessor(ports: CommandPorts, { old, key, personId, until, now, origin }: Rotation) {
  return runCommand<ApiKeyState>(ports, {
    aggregate: apiKeys,
    stream: apiKeys.stream(origin.subjectId),
    origin,
    create: true,
    refusals: {},
    decide(state) {
      const refusal = rotationRefusal(origin.subjectId, now, old);
      if (refusal !== undefined || old.status === 'absent') throw refusals[refusal ?? 'inactive'](old);
      const { name, scopes, models, expiresAt, createdAt, requestsPerMinute } = old.key;
      // It lives as long as the old one was to, and no longer than it may.
      const end = Math.min(expiresAt === null ? Infinity : now + expiresAt - createdAt, until ?? Infinity);
      const bounds = { scopes, models, personId, requestsPerMinute, expiresAt: end === Infinity ? null : end };
      return decideIssueApiKey({ name, hash: hashApiKey(key), last4: key.slice(-4), ...bounds, origin }, state);
    },
  });
}

/** For a further event of the command: it has an id of its own, and a repeat the same one. */
const beside = (origin: CommandOrigin, what: string): CommandOrigin => ({
  ...origin,
  eventId: v5(what, origin.eventId),
  repeatable: false,
});

async function revokeSuccessor(ports: CommandPorts, origin: CommandOrigin): Promise<void> {
  const by = beside(origin, 'revoked');
  await runCommand(ports, {
    aggregate: apiKeys,
    stream: apiKeys.stream(origin.subjectId),
    origin: by,
    refusals: {},
    decide: (state) => decideRevokeApiKey(by, state),
  });
}

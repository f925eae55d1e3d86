// A session begins where someone has shown who they are: by a password, or by an invitation that they accept.

import type { KeyObject } from 'node:crypto';
import type { SignedIn } from '#contracts/people.ts';
import { PLATFORM } from '#events/model.ts';
import { type Session, sessionExpiresAt, sessions } from '#events/session.ts';
import type { User } from '#events/user.ts';
import type { AccessKeys } from '#platform/auth/access-keys.ts';
import { ACCESS_TOKEN_SECONDS, createAccessToken } from '#platform/auth/access-token.ts';
import { createRefreshToken } from '#platform/auth/refresh-token.ts';
import type { PublicRequest } from '../origin.ts';
import { type CommandRoutePorts, runCommand, type Written } from '../run-command.ts';
import { decideStartSession } from './decide.ts';

export interface SessionPorts extends CommandRoutePorts {
  readonly accessKeys: AccessKeys;
  /** Refresh tokens are derived by it. */
  readonly serverKey: KeyObject;
  /** The tenant in which a person acts who names none: the oldest that they have a part in, but for `platform`. */
  readonly homeOf: (userId: string) => Promise<string>;
  readonly now: () => number;
}

export interface NewSession {
  readonly userId: string;
  readonly user: Pick<User, 'epoch' | 'mustChangePassword'>;
  readonly request: PublicRequest;
}

/** Starts a session of this person, and answers with what signs them in. */
export async function startSession(
  ports: SessionPorts,
  { userId, user, request }: NewSession,
): Promise<{ readonly body: SignedIn; readonly written: Written }> {
  const origin = await ports.origins({ ...request, caller: actingAs(userId) });
  const { subjectId: sessionId } = origin;
  const { state, written } = await runCommand(ports, {
    aggregate: sessions,
    stream: sessions.stream(sessionId),
    origin,
    create: true,
    refusals: {},
    decide: (before) => decideStartSession({ userId, epoch: user.epoch, origin }, before),
  });
  if (state.status === 'absent') throw new Error(`${written.stream} is absent after it was started`);
  return { body: await signedIn(ports, sessionId, state.session, user), written };
}

/** A person's own events belong to no tenant. */
export const actingAs = (userId: string) => ({ tenantId: PLATFORM, actor: { kind: 'user', id: userId } }) as const;

/** Both tokens of a session as it stands. */
export async function signedIn(
  { accessKeys, serverKey, homeOf, now }: SessionPorts,
  sessionId: string,
  session: Session,
  { mustChangePassword }: Pick<User, 'mustChangePassword'>,
): Promise<SignedIn> {
  const { userId, number } = session;
  const at = now();
  return {
    accessToken: createAccessToken(accessKeys, { userId, sessionId, tenantId: await homeOf(userId) }, at),
    tokenType: 'Bearer',
    expiresIn: ACCESS_TOKEN_SECONDS,
    refreshToken: createRefreshToken(serverKey, { sessionId, number }),
    refreshExpiresIn: Math.max(0, Math.floor((sessionExpiresAt(session) - at) / 1_000)),
    ...(mustChangePassword && { passwordChangeRequired: true }),
  };
}

// Reading the audit is recorded before the first byte of it is given: what cannot be recorded is not read.

import { problems } from '#contracts/problems.ts';
import { accesses } from '#events/access.ts';
import { createEvent } from '#events/create-event.ts';
import type { Contents } from '#platform/content/content.ts';
import { createOriginSealer } from '#platform/content/seal-origin.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller, HttpRequest } from '#platform/http/route.ts';
import type { Log } from '#platform/logging/log.ts';
import { newId } from '#platform/new-id.ts';
import { saySeldom } from '#platform/patience/say-seldom.ts';
import { within } from '#platform/patience/within.ts';
import type { Keyring } from '#platform/vault/keyring.ts';

/** The longest that a reader waits for it, in milliseconds. */
const WITHIN_MS = 5_000;

type ReadRequest = Pick<
  HttpRequest<unknown, unknown, unknown, Caller>,
  'route' | 'requestId' | 'traceparent' | 'caller' | 'remoteAddress' | 'headers'
>;

export interface WhatIsRead {
  /** Whose audit, in which it is recorded too, so that nobody reads a tenant unseen by it; null for that of all. */
  readonly tenant: string | null;
  /** The filter as it was asked for: a JSON value. */
  readonly query: unknown;
}

/** Resolves once it is in the log; throws 503 where that cannot be. */
export type RecordRead = (request: ReadRequest, what: WhatIsRead) => Promise<void>;

export interface ReadRecorderPorts {
  readonly store: Pick<EventStore, 'append'>;
  readonly contents: Pick<Contents, 'seal'>;
  readonly keyring: Pick<Keyring, 'dataKey'>;
  readonly log: Log;
  readonly now: () => number;
}

export function createReadRecorder({ store, contents, keyring, log, now }: ReadRecorderPorts): RecordRead {
  const sealOrigin = createOriginSealer(keyring);
  const warn = saySeldom((err: unknown) =>
    log.warn({ err }, 'a read of the audit could not be recorded, and was refused'),
  );

  const record = async (request: ReadRequest, { tenant, query }: WhatIsRead): Promise<void> => {
    const { route, requestId, traceparent, caller, remoteAddress, headers } = request;
    const { actor } = caller;
    const tenantId = tenant ?? caller.tenantId;
    const subject = actor.kind === 'user' ? actor.id : caller.tenantId;
    const [sealedQuery, sealedOrigin] = await Promise.all([
      contents.seal(subject, query),
      sealOrigin(subject, { address: remoteAddress, client: headers['user-agent'] }),
    ]);
    const event = createEvent(
      'AuditRead',
      { route: route.id, query: sealedQuery, tenant },
      {
        eventId: newId(),
        commandId: newId(),
        tenantId,
        actor,
        correlationId: requestId,
        sealedOrigin,
        ...(traceparent !== undefined && { traceparent }),
      },
    );
    const day = new Date(now()).toISOString().slice(0, 10);
    await store.append(accesses.stream(tenantId, day), [event], 'any');
  };

  return async (request, what) => {
    try {
      await within(WITHIN_MS, record(request, what), 'recording a read of the audit');
      warn.over();
    } catch (cause) {
      warn(cause);
      throw new Problem(problems.unavailable, {
        detail: 'Reading the audit is recorded, and cannot be recorded now; send it again.',
        headers: { 'retry-after': '1' },
        cause,
      });
    }
  };
}

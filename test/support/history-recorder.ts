// Sends commands and reads, and writes down what was sent and what came back, before and after.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnsweredRead, Claim, Mark, RequestOutcome, Seen, SentRequest } from './history.ts';
import { type Api, type ApiAnswer, createApi } from './api-client.ts';

export interface Command {
  /** Equal for what may have one effect between them. */
  readonly command: string;
  readonly what: string;
  readonly claim: Claim;
  readonly mayChangeNothing?: boolean;
  readonly method: string;
  readonly path: string;
  readonly payload?: unknown;
  readonly idempotencyKey?: string;
  /** The stream that an acknowledgement is about. */
  readonly stream: (answer: ApiAnswer) => string;
}

export interface Read {
  readonly what: string;
  readonly path: string;
  /** Tokens and what they stand for. */
  readonly tokens: readonly Acknowledged[];
  /** What the answer shows; undefined while that is not known (more pages are to come). */
  readonly shows: (answer: ApiAnswer) => readonly Seen[] | undefined;
  /** Another key than the first. */
  readonly key?: string;
  readonly audited?: true;
}

export interface Acknowledged extends Mark {
  readonly token: string;
}

export interface Recorder {
  readonly requests: SentRequest[];
  readonly reads: AnsweredRead[];
  /** Answers that no caller should ever get, one sentence each. */
  readonly unexpected: string[];
  /** How often callers were told to come again, by status and code. */
  readonly comeAgain: Map<string, number>;
  /** Sends it once to whichever server runs; waits while none does. */
  send(command: Command): Promise<{ readonly outcome: RequestOutcome; readonly answer: ApiAnswer | undefined }>;
  /** Undefined when no answer came, or one that says to come again. */
  read(read: Read): Promise<ApiAnswer | undefined>;
}

/** The longest that an answer may take; servers die in between, but those that live answer. */
const ANSWER_MS = 60_000;
/** After a broken connection: a little, for the server to be known as gone. */
const BROKEN_MS = 10;
/** After an answer that says to come again. */
const COME_AGAIN_MS = 100;

/** What a gateway, or a server that waits for another, may answer. */
const COME_AGAIN: ReadonlySet<number> = new Set([502, 503, 504]);

/** `whenUp` gives where to call; it rejects once there is nobody to call any more. */
export function createRecorder(server: { whenUp(): Promise<{ readonly url: string }> }, key: string): Recorder {
  const requests: SentRequest[] = [];
  const reads: AnsweredRead[] = [];
  const unexpected: string[] = [];
  const comeAgain = new Map<string, number>();

  /** Undefined when the connection broke. A server that lives and does not answer is a fault. */
  const call = async (as: string, ...[method, path, options]: Parameters<Api>): Promise<ApiAnswer | undefined> => {
    const { url } = await server.whenUp();
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      const answer = await createApi(url, as)(method, path, { ...options, signal });
      if (COME_AGAIN.has(answer.status)) {
        const told = `${answer.status} ${codeOf(answer)}`;
        comeAgain.set(told, (comeAgain.get(told) ?? 0) + 1);
        await sleep(COME_AGAIN_MS);
      } else if (answer.status >= 500) {
        const request = String(options?.headers?.['x-request-id']);
        unexpected.push(
          `${method} ${path} (request ${request}) was answered ${answer.status}: ${JSON.stringify(answer.body)}`,
        );
      }
      return answer;
    } catch (error) {
      if (signal.aborted) unexpected.push(`${method} ${path} was not answered in ${ANSWER_MS} ms.`);
      else if (error instanceof SyntaxError) unexpected.push(`${method} ${path} answered with what is no JSON.`);
      await sleep(BROKEN_MS);
      return undefined;
    }
  };

  return {
    requests,
    reads,
    unexpected,
    comeAgain,
    async send({ command, what, claim, mayChangeNothing = false, method, path, payload, idempotencyKey, stream }) {
      const request = randomUUID();
      const entry: SentRequest = {
        request,
        command,
        body: JSON.stringify(payload ?? null),
        what,
        claim,
        mayChangeNothing,
        sentAt: Date.now(),
        outcome: { as: 'unknown', why: 'no answer yet' },
      };
      requests.push(entry);
      const answer = await call(key, method, path, {
        ...(payload !== undefined && { body: payload }),
        headers: {
          'x-request-id': request,
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
      });
      entry.answeredAt = Date.now();
      entry.outcome = outcomeOf(answer, stream);
      return { outcome: entry.outcome, answer };
    },
    async read({ what, path, tokens, shows, key: as = key, audited }) {
      const request = randomUUID();
      const token = tokens.map((one) => one.token).join(',');
      const answer = await call(as, 'GET', path, {
        headers: { 'x-request-id': request, ...(token && { 'x-consistency-token': token }) },
      });
      if (!answer || answer.status >= 500) return undefined;
      if (answer.status === 422)
        unexpected.push(`${what} (request ${request}) was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      const seen = shows(answer);
      const marks = tokens.map(({ stream, revision }) => ({ stream, revision }));
      if (seen) reads.push({ request, what: `${what} ${path}`, token: marks, seen, ...(audited && { audited }) });
      return answer;
    },
  };
}

/** A gateway's own answers have none. */
function codeOf({ body }: ApiAnswer): string {
  const type = (body as ApiAnswer['body'] | undefined)?.['type'];
  return typeof type === 'string' ? (type.split('/').at(-1) ?? '') : '';
}

function outcomeOf(answer: ApiAnswer | undefined, stream: Command['stream']): RequestOutcome {
  if (!answer) return { as: 'unknown', why: 'no answer' };
  const { status, headers } = answer;
  if (status >= 500) return { as: 'unknown', why: `answered ${status}` };
  if (status >= 400) return { as: 'refused', status, code: codeOf(answer) };
  const revision = Number(/^"(\d+)"$/.exec(headers.get('etag') ?? '')?.[1] ?? Number.NaN);
  return {
    as: 'acknowledged',
    status,
    token: headers.get('x-consistency-token') ?? '',
    stream: stream(answer),
    revision,
  };
}

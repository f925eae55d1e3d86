// After each round of faults: an inference is accepted, ends, and is in the lists. How long that takes is how long the
// installation was out of work.

import { randomUUID } from 'node:crypto';
import { inferences } from '#events/inference.ts';
import type { Acknowledged, Recorder } from '../support/history-recorder.ts';

/** Milliseconds since the faults were over. */
export interface GoingOn {
  readonly accepted: number;
  readonly ended: number;
  readonly listed: number;
}

export class StandsStill extends Error {
  override name = 'StandsStill';
}

/** Rejects with `StandsStill` when it takes longer than `mostMs`. */
export async function goesOn(recorder: Recorder, mostMs: number): Promise<GoingOn> {
  const began = performance.now();
  const since = () => Math.round(performance.now() - began);
  const until = async <T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> => {
    for (;;) {
      const done = await attempt();
      if (done !== undefined) return done;
      if (since() > mostMs) throw new StandsStill(`after ${since()} ms ${what}`);
    }
  };

  const command = `canary-${randomUUID()}`;
  const one = await until('nothing is accepted', async (): Promise<(Acknowledged & { id: string }) | undefined> => {
    const { outcome, answer } = await recorder.send({
      command,
      what: 'submit',
      claim: { type: 'InferenceRequested', where: { model: 'language-id' } },
      method: 'POST',
      path: '/v1/inferences',
      payload: { model: 'language-id', input: `Ça va ? ${command}` },
      idempotencyKey: command,
      stream: ({ body }) => inferences.stream(String(body['id'])),
    });
    if (outcome.as !== 'acknowledged' || !answer) return undefined;
    const { token, stream, revision } = outcome;
    return { token, stream, revision, id: String(answer.body['id']) };
  });
  const accepted = since();
  await until('what was accepted has not ended', async () => {
    const answer = await recorder.read({
      what: 'read of an inference',
      path: `/v1/inferences/${one.id}?wait=5s`,
      tokens: [one],
      shows: ({ headers, body }) => [
        {
          stream: one.stream,
          shows: 'revision',
          revision: Number(/^"(\d+)"$/.exec(headers.get('etag') ?? '')?.[1] ?? -1),
          ...(typeof body['status'] === 'string' && { status: body['status'] }),
        },
      ],
    });
    return answer?.status === 200 ? answer : undefined;
  });
  const ended = since();
  await until('what was accepted cannot be listed', () =>
    recorder.read({ what: 'list', path: '/v1/inferences?limit=1', tokens: [one], shows: () => undefined }),
  );
  await until('the audit cannot be read', () =>
    recorder.read({ what: 'audit', path: `/v1/audit?stream=${one.stream}`, tokens: [one], shows: () => undefined }),
  );
  return { accepted, ended, listed: since() };
}

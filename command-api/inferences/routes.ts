import type { InferenceView } from '#contracts/inference-answers.ts';
import { inferenceRoutes, type InferenceSubmission, isChatForm } from '#contracts/inferences.ts';
import { problems } from '#contracts/problems.ts';
import { inferences } from '#events/inference.ts';
import { CANCELLATIONS, inferenceChannel } from '#events/live.ts';
import type { Standing } from '#events/standing.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import { type Answer, type BoundRoute, etagOf, type Handler } from '#platform/http/route.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { didYouMean } from '#platform/nearest-name.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { acknowledge, type Written } from '../acknowledge.ts';
import { createOnce, findCreated, replayHeaders } from '../create-once.ts';
import { ifMatched } from '../if-match.ts';
import { resolveModel } from '../models/resolve-model.ts';
import type { Origins } from '../origin.ts';
import { type AskedInference, checkRequest } from './check-request.ts';
import { decideCancelInference, decideRequestInference } from './decide.ts';

export interface InferencePorts {
  readonly store: EventStore;
  readonly contents: Pick<Contents, 'seal'>;
  readonly standings: Pick<Standings<Standing>, 'get'>;
  readonly live: LiveChannel;
  readonly tokens: ConsistencyTokens;
  readonly origins: Origins;
  readonly timeoutMs: number;
  readonly now: () => number;
  /** The inference as its readers see it, once it has ended or `waitMs` milliseconds are over. */
  readonly waitForInference: (
    tenantId: string,
    id: string,
    waitMs: number,
    signal: AbortSignal,
  ) => Promise<{ readonly view: InferenceView; readonly revision: number; readonly ended: boolean } | undefined>;
  /** The names of the models that a tenant may use, for who misspelt one. */
  readonly modelNames: (tenantId: string) => Promise<readonly string[]>;
  /** Throws a Problem when no more may be accepted now. */
  readonly admit: (modelKey: string) => void;
}

type Submitting = Parameters<Handler<typeof inferenceRoutes.submitInference>>[0];

function askedOf(body: InferenceSubmission): AskedInference {
  if (isChatForm(body)) {
    const { model: _, ...rest } = body;
    return { form: 'chat', body: rest };
  }
  return { form: 'input', input: body.input, parameters: body.parameters };
}

const notFound = () => new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });

const jsonTexts = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]));

export function createInferenceRoutes(ports: InferencePorts): BoundRoute[] {
  const { store, contents, standings, live, tokens, origins, timeoutMs, now, waitForInference, modelNames, admit } =
    ports;

  /** With `wait` the result, if there is one in time. */
  const accepted = async (request: Submitting, id: string, written: Written, replayed: boolean): Promise<Answer> => {
    const { caller, query } = request;
    const headers = {
      location: `/v1/inferences/${id}`,
      ...acknowledge(tokens, caller.tenantId, [written]),
      ...replayHeaders(replayed),
    };
    const shown =
      query.wait === undefined ? undefined : await waitForInference(caller.tenantId, id, query.wait, request.signal);
    return shown?.ended
      ? { status: 200, headers: { ...headers, etag: etagOf(shown.revision) }, body: shown.view }
      : { status: 202, headers: { ...headers, 'retry-after': '1' }, body: { id, status: 'queued' } };
  };

  const submitInference: Handler<typeof inferenceRoutes.submitInference> = async (request) => {
    const { caller, body } = request;
    const { tenantId } = caller;
    const { subjectId: id, repeatable, ...origin } = await origins(request);
    const stream = inferences.stream(id);
    // A repeat joins whatever has become of the model since.
    const earlier = repeatable ? await findCreated(store, stream, origin.eventId) : undefined;
    if (earlier) return accepted(request, id, earlier, true);

    const asked = askedOf(body);
    const model = await resolveModel(standings, tenantId, body.model);
    if (!model) {
      const hint = didYouMean(body.model, await modelNames(tenantId));
      const errors = [{ in: 'body' as const, pointer: '/model', message: `there is no model ${body.model}${hint}` }];
      throw new Problem(problems['model-not-found'], {
        detail: `There is no model ${body.model}${hint || '.'}`,
        errors,
      });
    }
    const checked = checkRequest(model, asked);
    if (!checked.ok) {
      const errors = checked.faults.map((fault) => ({ in: 'body' as const, ...fault }));
      throw new Problem(problems[checked.code], { errors });
    }
    admit(`${model.owner}/${body.model}`);
    const content = await contents.seal(tenantId, checked.input);
    const [event] = decideRequestInference({
      request: {
        model: body.model,
        modelOwner: model.owner,
        form: asked.form,
        input: content,
        parameters: jsonTexts(checked.parameters),
        deadline: now() + timeoutMs,
      },
      origin,
    });
    const written = await createOnce(store, stream, event!, repeatable);
    return accepted(request, id, written, written.replayed);
  };

  const cancelInference: Handler<typeof inferenceRoutes.cancelInference> = async (request) => {
    const { caller, params } = request;
    const stream = inferences.stream(params.id);
    // Before If-Match is looked at: the revision of another tenant's inference must not be told.
    const [first] = await store.readStream(stream, { limit: 1 });
    if (first?.metadata.tenantId !== caller.tenantId) throw notFound();
    const origin = await origins(request);
    let refused: 'absent' | 'ended' | undefined;
    const done = await handleCommand({
      store,
      stream,
      decider: inferences,
      decide: (state) => {
        const decision = decideCancelInference({ tenantId: caller.tenantId, origin }, state);
        refused = typeof decision === 'string' ? decision : undefined;
        return typeof decision === 'string' ? [] : decision;
      },
      ...ifMatched(request.ifMatch),
    });
    if (refused === 'absent') throw notFound();
    if (refused === 'ended') throw new Problem(problems['already-finished'], { detail: 'It has ended already.' });
    live.publish(CANCELLATIONS, { inferenceId: params.id }, { keep: false });
    live.publish(inferenceChannel(params.id), { type: 'ended' }, { keep: false });
    return {
      status: 200,
      headers: acknowledge(tokens, caller.tenantId, [{ stream, ...done }]),
      body: { id: params.id, status: 'cancelled' },
    };
  };

  return bindRoutes(inferenceRoutes, 'command', { submitInference, cancelInference });
}

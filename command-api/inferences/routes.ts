import type { InferenceView } from '#contracts/inference-answers.ts';
import { inferenceRoutes, type InferenceSubmission, isChatForm } from '#contracts/inferences.ts';
import { problems } from '#contracts/problems.ts';
import { inferences } from '#events/inference.ts';
import { CANCELLATIONS, inferenceChannel } from '#events/live.ts';
import type { Model } from '#events/model.ts';
import type { Contents } from '#platform/content/content.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import { type Answer, type BoundRoute, type Caller, etagOf, type Handler } from '#platform/http/route.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { didYouMean } from '#platform/nearest-name.ts';
import type { Admission, Place } from '../admission.ts';
import { resolveModel } from '../models/resolve-model.ts';
import { acknowledge, type CommandRoutePorts, type Done, notFound, runCommand } from '../run-command.ts';
import { type AskedInference, checkRequest } from './check-request.ts';
import { decideCancelInference, decideRequestInference } from './decide.ts';

export interface InferencePorts extends CommandRoutePorts {
  readonly contents: Pick<Contents, 'seal'>;
  readonly live: LiveChannel;
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
  readonly admission: Pick<Admission, 'admit'>;
}

const modelRefused = (name: string) =>
  new Problem(problems.forbidden, {
    detail: `This key may not use the model ${name}.`,
    errors: [{ in: 'body', pointer: '/model', message: 'is none of those that the key may use' }],
  });

type Submitting = Parameters<Handler<typeof inferenceRoutes.submitInference>>[0];

function askedOf(body: InferenceSubmission): AskedInference {
  if (isChatForm(body)) {
    const { model: _, ...rest } = body;
    return { form: 'chat', body: rest };
  }
  return { form: 'input', input: body.input, parameters: body.parameters };
}

const jsonTexts = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]));

export function createInferenceRoutes(ports: InferencePorts): BoundRoute[] {
  const { store, contents, standings, live, tokens, origins, timeoutMs, now, waitForInference, modelNames, admission } =
    ports;

  /** With `wait` the result, if there is one in time. */
  const accepted = async (request: Submitting, id: string, done: Done<unknown>): Promise<Answer> => {
    const { caller, query } = request;
    const headers = { location: `/v1/inferences/${id}`, ...acknowledge(tokens, caller.holder, done) };
    const shown =
      query.wait === undefined ? undefined : await waitForInference(caller.tenantId, id, query.wait, request.signal);
    return shown?.ended
      ? { status: 200, headers: { ...headers, etag: etagOf(shown.revision) }, body: shown.view }
      : { status: 202, headers: { ...headers, 'retry-after': '1' }, body: { id, status: 'queued' } };
  };

  const modelFor = async ({ tenantId, models }: Caller, name: string): Promise<Model> => {
    if (models !== undefined && !models.includes(name)) throw modelRefused(name);
    const model = await resolveModel(standings, tenantId, name);
    if (model) return model;
    const names = (await modelNames(tenantId)).filter((other) => models?.includes(other) ?? true);
    const hint = didYouMean(name, names);
    const errors = [{ in: 'body' as const, pointer: '/model', message: `there is no model ${name}${hint}` }];
    throw new Problem(problems['model-not-found'], { detail: `There is no model ${name}${hint || '.'}`, errors });
  };

  const submitInference: Handler<typeof inferenceRoutes.submitInference> = async (request) => {
    const { caller, body } = request;
    const { tenantId } = caller;
    const origin = await origins(request);
    const id = origin.subjectId;
    const stream = inferences.stream(id);
    let place: Place | undefined;
    const done = await runCommand(ports, {
      aggregate: inferences,
      stream,
      origin,
      create: true,
      refusals: {},
      // Not for a repeat: it joins whatever has become of the model since.
      async decide(state) {
        const asked = askedOf(body);
        const model = await modelFor(caller, body.model);
        const checked = checkRequest(model, asked);
        if (!checked.ok) {
          const errors = checked.faults.map((fault) => ({ in: 'body' as const, ...fault }));
          throw new Problem(problems[checked.code], { errors });
        }
        // Decided anew after a conflict, it is still one request.
        place?.giveUp();
        place = admission.admit(tenantId, `${model.owner}/${body.model}`);
        const requested = {
          model: body.model,
          modelOwner: model.owner,
          form: asked.form,
          input: await contents.seal(tenantId, checked.input),
          parameters: jsonTexts(checked.parameters),
          deadline: now() + timeoutMs,
        };
        return decideRequestInference({ request: requested, origin }, state);
      },
    }).catch((error: unknown) => {
      place?.giveUp();
      throw error;
    });
    if (done.outcome === 'appended') place?.written(stream, done.written.position);
    else place?.giveUp();
    return accepted(request, id, done);
  };

  const cancelInference: Handler<typeof inferenceRoutes.cancelInference> = async (request) => {
    const { caller, params } = request;
    const stream = inferences.stream(params.id);
    // Before If-Match is looked at: the revision of another tenant's inference must not be told.
    const [first] = await store.readStream(stream, { limit: 1 });
    if (first?.metadata.tenantId !== caller.tenantId) throw notFound();
    const origin = await origins(request);
    const done = await runCommand(ports, {
      aggregate: inferences,
      stream,
      origin,
      ifMatch: request.ifMatch,
      refusals: {
        absent: notFound,
        ended: () => new Problem(problems['already-finished'], { detail: 'It has ended already.' }),
      },
      decide: (state) => decideCancelInference({ tenantId: caller.tenantId, origin }, state),
    });
    live.publish(CANCELLATIONS, { inferenceId: params.id }, { keep: false });
    live.publish(inferenceChannel(params.id), { type: 'ended' }, { keep: false });
    return {
      status: 200,
      headers: acknowledge(tokens, caller.holder, done),
      body: { id: params.id, status: 'cancelled' },
    };
  };

  return bindRoutes(inferenceRoutes, 'command', { submitInference, cancelInference });
}

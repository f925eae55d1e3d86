import { type Language, LANGUAGES } from '#contracts/people.ts';
import type { signInRoutes } from '#contracts/sign-in.ts';
import { users } from '#events/user.ts';
import { type Contents, showErased } from '#platform/content/content.ts';
import type { Handler } from '#platform/http/route.ts';
import { signedInPerson } from '../auth/signed-in-person.ts';
import { actingAs } from '../auth/start-session.ts';
import { acknowledge, type CommandRoutePorts, runCommand } from '../run-command.ts';
import { decideUpdateMe } from './decide.ts';

export interface UpdateMePorts extends CommandRoutePorts {
  readonly contents: Pick<Contents, 'open' | 'seal'>;
}

export function createUpdateMe(ports: UpdateMePorts): Handler<typeof signInRoutes.updateMe> {
  const { contents, origins, tokens } = ports;
  return async (request) => {
    const { caller, body } = request;
    const { userId } = signedInPerson(caller);
    const { name, language } = body;
    const origin = await origins({ ...request, caller: actingAs(userId) });
    const sealed = name === undefined ? undefined : await contents.seal(userId, name);
    const done = await runCommand(ports, {
      aggregate: users,
      stream: users.stream(userId),
      origin,
      refusals: {},
      decide: (state) =>
        decideUpdateMe({ ...(sealed && { name: sealed }), ...(language && { language }), origin }, state),
    });
    if (done.state.status === 'absent') throw new Error(`${done.written.stream} is absent, and its person signed in`);
    const { user } = done.state;
    const shown = showErased(await contents.open(userId, user.name));
    return {
      status: 200,
      headers: acknowledge(tokens, caller.holder, done),
      body: {
        id: userId,
        name: typeof shown === 'string' ? shown : '',
        language: LANGUAGES.find((one: Language) => one === user.language) ?? 'en',
      },
    };
  };
}

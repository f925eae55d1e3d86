// `node main.ts admin [--email ADDRESS] [--reset]`: makes whoever signs in by this address an administrator of the platform,
// for when nobody can sign in. One without a password, and with `--reset` anyone, is given one that must be changed: it is
// printed, alone on standard output, all else goes to standard error. It writes to the log itself, so it works beside a
// server that runs and without one, and asks for no credential: who may write the data folder may do anything.

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { v5 } from 'uuid';
import { PLATFORM } from '#events/model.ts';
import { loadConfig, misspeltSettingsFound } from '#platform/config.ts';
import { printServers } from '#platform/config/event-store-url.ts';
import { StartError } from '#platform/errors.ts';
import { createStderrLog } from '#platform/logging/stderr-log.ts';
import { newId } from '#platform/new-id.ts';
import { openPlatform, requireLog } from '#platform/platform.ts';
import { createPassword } from '../command-api/first-admin.ts';
import { releaseLogin } from '../command-api/logins/release-login.ts';
import { appointAdmin, givePassword } from '../command-api/make-admin.ts';
import { eventLanguage } from '../compose/event-language.ts';
import { openServiceStandings } from '../compose/service-standings.ts';
import { expectedStartFaults } from '../compose/start-faults.ts';

const USAGE = 'usage: node main.ts admin [--email ADDRESS] [--reset]';

function parse(args: readonly string[]) {
  try {
    const options = { email: { type: 'string' }, reset: { type: 'boolean', default: false } } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new StartError([(error as Error).message, USAGE]);
  }
}

export async function runAdmin(args: readonly string[]): Promise<void> {
  const { email: asked, reset } = parse(args);
  const log = createStderrLog();
  for (const sentence of misspeltSettingsFound()) log.warn({}, sentence);
  const config = loadConfig();
  const email = asked ?? config.adminEmail;
  requireLog(config);
  await expectedStartFaults(() => appoint({ config, log, email, reset }));
}

interface Appointing {
  readonly config: ReturnType<typeof loadConfig>;
  readonly log: ReturnType<typeof createStderrLog>;
  readonly email: string;
  readonly reset: boolean;
}

async function appoint({ config, log, email, reset }: Appointing): Promise<void> {
  const platform = await openPlatform({ config, events: eventLanguage, log });
  try {
    const opened = await platform.use(['store', 'readStore', 'keyring', 'contents', 'serverKey', 'passwords']);
    const standings = openServiceStandings(opened, log);
    const ports = { ...opened, standings, now: Date.now };
    const id = newId();
    const actor = { kind: 'system', id: 'command-line' } as const;
    const origin = { eventId: newId(), commandId: id, correlationId: id, tenantId: PLATFORM, actor };
    const person = await appointAdmin(ports, {
      id: v5('person', id),
      email,
      roles: { [PLATFORM]: 'platform-admin' },
      origin,
    });
    const { userId, user } = person;
    const place = config.eventStoreUrl ? printServers(config.eventStoreUrl) : resolve(config.dataDir);
    process.stderr.write(`${email} (${userId}) administers the platform in ${place}.\n`);
    if (user.hash !== null && person.status === 'active' && !reset) {
      process.stderr.write('Their password stays; --reset makes a new one.\n');
      return;
    }
    const password = createPassword();
    await givePassword(ports, { userId, password, mustChange: true, origin: { ...origin, eventId: newId() } });
    await releaseLogin(ports, { email, by: { ...origin, eventId: newId() } });
    process.stderr.write('The password, shown this once and good for setting one of their own:\n');
    process.stdout.write(`${password}\n`);
  } finally {
    await platform.close();
  }
}

// What a start says to the person who started it.

import { examples } from '#contracts/examples.ts';
import type { FirstAdmin } from '../command-api/first-admin.ts';
import type { FirstKey } from '../command-api/first-key.ts';

export interface BannerFacts {
  readonly url: string;
  readonly firstKey: FirstKey;
  readonly firstAdmin: FirstAdmin;
  readonly isTerminal: boolean;
  readonly dataDir: string;
  readonly discovered: readonly { readonly title: string; readonly models: readonly string[] }[];
  readonly startedInMs: number;
}

const MOST_NAMED = 8;

export function createBanner(facts: BannerFacts): string {
  const { url, dataDir, discovered, startedInMs } = facts;
  const lines = [
    '',
    `Defter is ready at ${url}  (in ${(startedInMs / 1_000).toFixed(1)} s; data in ${dataDir}; API at ${url}/docs)`,
    ...discovered.map(({ title, models }) => foundLine(title, models)),
    ...adminLines(facts.firstAdmin),
    ...keyLines(facts),
    '',
  ];
  return lines.join('\n');
}

function foundLine(title: string, models: readonly string[]): string {
  const named = models.slice(0, MOST_NAMED).join(', ');
  const more = models.length > MOST_NAMED ? ` and ${models.length - MOST_NAMED} more` : '';
  return `Models found at ${title}: ${named}${more}`;
}

/** Also of a start by `migrate`. */
export function adminLines(admin: FirstAdmin): string[] {
  if (!admin.made) return [];
  const { email, password, file } = admin;
  if (password === undefined) return [`The platform's administrator is ${email}, with the password in ADMIN_PASSWORD.`];
  if (file !== undefined) return [`The platform's administrator is ${email}; the password is in ${file}`];
  return [
    `The platform's administrator is ${email}, with the password ${password}`,
    'It is shown this once, and good for setting one of your own.',
  ];
}

function keyLines({ url, firstKey, isTerminal }: BannerFacts): string[] {
  if (!isTerminal)
    return firstKey.given || firstKey.file === undefined ? [] : [`The first API key is in ${firstKey.file}`];
  const key = firstKey.given ? '$API_KEY' : (firstKey.key ?? 'YOUR_API_KEY');
  const commands = examples(url, key).flatMap(({ title, command }) => ['', `# ${title}`, shellQuoted(command, key)]);
  const about =
    !firstKey.given && firstKey.key !== undefined
      ? ['', 'Your first API key is in the commands below. It is shown this once: keep it.']
      : ['', `The commands below need an API key${firstKey.given ? '' : '; npm run key -- new makes one'}.`];
  return [
    ...about,
    ...commands,
    '',
    '# With an OpenAI client',
    `export OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=${key}`,
  ];
}

/** A variable does not expand between single quotes. */
const shellQuoted = (command: string, key: string) =>
  key.startsWith('$')
    ? command.replaceAll(`'Authorization: Bearer ${key}'`, `"Authorization: Bearer ${key}"`)
    : command;

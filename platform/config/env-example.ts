// .env.example, made from the table of settings.

import { settingsByKey, type Setting } from './settings.ts';

const head = `# Defter's settings. Copy this file to .env and take the # from what you change.
# The real environment overrides .env. Sizes take KiB, MiB, GiB; times take ms, s, m, h, d.
# Made by: node cli/env-example.ts > .env.example
`;

/** The text of .env.example: every setting with what it does, commented out, at its default. */
export function createEnvExample(): string {
  const shown = settingsByKey.map(([, setting]) => setting).filter((setting) => !setting.hidden);
  return [head, ...shown.map(entry)].join('\n');
}

function entry({ name, about, fallback, secret }: Setting<unknown>): string {
  const note = secret ? ['(A secret.)'] : [];
  return [...about, ...note, `${name}=${fallback ?? ''}`].map((line) => `# ${line}\n`).join('');
}

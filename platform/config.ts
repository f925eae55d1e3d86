// The one reader of the environment, and of a .env file in the working folder, which the environment overrides.
// A Config is plain data: it can be cloned into worker threads.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { misspeltSettings } from './config/misspelt-settings.ts';
import { settingsByKey, type Setting, type settings } from './config/settings.ts';
import { codeOf, StartError } from './errors.ts';

type Settings = typeof settings;

/** All settings, parsed: times in milliseconds, sizes in bytes. `logDir` is null where log files are off. */
export type Config = {
  readonly [Key in keyof Settings]: Settings[Key] extends Setting<infer T>
    ? Settings[Key] extends { readonly fallback: string }
      ? T
      : T | undefined
    : never;
};

export type ConfigResult =
  { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly faults: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings. What is absent or blank takes its default; a variable of `env` counts before one of `dotenv`,
 * a blank one too. Faults are one sentence each, name the variable, and never repeat a secret.
 */
export function parseConfig(env: Environment, dotenv: Environment = {}): ConfigResult {
  const faults: string[] = [];
  const read = (setting: Setting<unknown>): unknown => {
    const given = (env[setting.name] ?? dotenv[setting.name])?.trim();
    const chosen = given || setting.fallback;
    if (chosen === undefined) return undefined;
    const value = setting.kind.parse(chosen);
    if (value === undefined) faults.push(...faultsOf(setting, chosen));
    return value;
  };
  const values = Object.fromEntries(settingsByKey.map(([key, setting]) => [key, read(setting)])) as Config;
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, config: values };
}

function faultsOf({ name, kind, secret }: Setting<unknown>, given: string): readonly string[] {
  if (kind.faults) return kind.faults(given).map((fault) => `${name} ${fault}.`);
  const shown = secret || given.includes('@') ? 'what is set' : JSON.stringify(given.slice(0, 80));
  return [`${name} must be ${kind.must}, not ${shown}.`];
}

/** Reads process.env and `<folder>/.env`; throws a StartError with every fault at once. */
export function loadConfig(folder = '.'): Config {
  const result = parseConfig(process.env, readDotenv(join(folder, '.env')));
  if (!result.ok) throw new StartError(result.faults, 'bad-configuration');
  return result.config;
}

/** What looks like a setting and is none, in process.env and `<folder>/.env`: a sentence each, for a warning. */
export function misspeltSettingsFound(folder = '.'): readonly string[] {
  const given = Object.keys({ ...readDotenv(join(folder, '.env')), ...process.env });
  return [...misspeltSettings(given)].map(([name, meant]) => `There is no setting ${name}; did you mean ${meant}?`);
}

function readDotenv(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw new StartError(`The file .env cannot be read (${codeOf(error) ?? 'unknown error'}).`, 'bad-configuration');
  }
}

/** The settings by variable name, in the notation they are set in; secrets as `***`, what is not set left out. */
export function describeConfig(config: Config): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [key, setting] of settingsByKey) {
    const value = config[key as keyof Config];
    if (value !== undefined) shown[setting.name] = setting.secret ? '***' : (setting.kind.print ?? String)(value);
  }
  return shown;
}

/** Defter's own secrets, which no credential may name: it would send them to an upstream. OpenAI's key is meant for that. */
export const reservedVariables: ReadonlySet<string> = new Set(
  settingsByKey.flatMap(([key, { name, secret }]) => (secret && key !== 'openaiApiKey' ? [name] : [])),
);

/** A variable that a credential names (`env:NAME`): from the environment, else from `<folder>/.env`; never a reserved one. */
export const readVariable = (name: string, folder = '.'): string | undefined =>
  reservedVariables.has(name) ? undefined : (process.env[name] ?? readDotenv(join(folder, '.env'))[name]);

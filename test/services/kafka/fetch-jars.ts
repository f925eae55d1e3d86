import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Has Maven get one profile of pom.xml into `<cache>/<name>/jars` and returns that folder; at once when it is there. It
 * is fetched under another name and renamed, so that a fetch broken off leaves nothing that looks whole.
 */
export async function fetchJars(
  cache: string,
  name: string,
  profile: 'kafka' | 'registry',
  versions: Readonly<Record<string, string>>,
): Promise<string> {
  const jars = jarsFolder(cache, name);
  if (existsSync(jars)) return jars;
  const into = mkdtempSync(join(cache, `.${name}-`));
  try {
    const properties = Object.entries({ ...versions, into }).map(([key, value]) => `-D${key}=${value}`);
    const pom = join(import.meta.dirname, 'pom.xml');
    await run('mvn', ['-q', '-B', '-f', pom, `-P${profile}`, 'generate-resources', ...properties]);
    try {
      renameSync(into, join(cache, name));
    } catch (error) {
      if (!existsSync(jars)) throw error; // another fetch was quicker
    }
    return jars;
  } catch (error) {
    throw new Error(`${name} could not be fetched: Maven (mvn) and Java 17 or newer are needed`, { cause: error });
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

export const jarsFolder = (cache: string, name: string) => join(cache, name, 'jars');

/** Quick start matters more than top speed in tests. */
export const JVM_OPTIONS = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] as const;

import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what was got from the registries is kept between runs; SERVICES_CACHE names another folder. */
export function serviceCache(): string {
  const folder = process.env['SERVICES_CACHE'] ?? join(homedir(), '.cache', 'defter-services');
  mkdirSync(folder, { recursive: true });
  return folder;
}

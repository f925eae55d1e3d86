// `node main.ts migrate`: makes what services that share servers find there: topics, schemas, buckets, indices, the first
// tenants, a key and the models that come with the program. Read models of a log that was restored are removed, to be built
// anew. A key and a password that it makes are shown on a terminal alone; elsewhere they go to files in DATA_DIR, as what it
// prints lies in the logs of whatever ran it. Idempotent: run it before each new version's services start, and while none
// runs after the log was restored.

import { readModelsOf } from '../projectors/read-models.ts';
import { defineIndices } from '../projectors/start.ts';
import { adminLines } from '../compose/banner.ts';
import { discover, makeFirstThings } from '../compose/first-start.ts';
import { eventLanguage } from '../compose/event-language.ts';
import { openServiceStandings } from '../compose/service-standings.ts';
import { expectedStartFaults } from '../compose/start-faults.ts';
import { type Config, loadConfig, misspeltSettingsFound } from '#platform/config.ts';
import { faultsOfAlone } from '#platform/config/engines.ts';
import { StartError } from '#platform/errors.ts';
import { makeFolder } from '#platform/files/make-folder.ts';
import { createStderrLog } from '#platform/logging/stderr-log.ts';
import { openPlatform, prepareEngines } from '#platform/platform.ts';

const REMIND_EVERY_MS = 10_000;

export async function runMigrate(): Promise<void> {
  const config = loadConfig();
  const faults = faultsOfAlone('migrate', config);
  if (faults.length > 0) throw new StartError(faults, 'bad-configuration');
  await expectedStartFaults(() => migrate(config));
}

async function migrate(config: Config): Promise<void> {
  const log = createStderrLog();
  for (const sentence of misspeltSettingsFound()) log.warn({}, sentence);
  const waits = new Set<string>();
  const reminding = setInterval(() => {
    if (waits.size > 0) process.stderr.write(`Waiting for ${[...waits].join(', ')}.\n`);
  }, REMIND_EVERY_MS);
  try {
    const options = { config, events: eventLanguage, log, waits };
    await prepareEngines(options);
    process.stdout.write('Topics, schemas and buckets are there.\n');
    const platform = await openPlatform({ ...options, onOtherGeneration: 'empty' });
    try {
      const ports = await platform.use([
        'store',
        'readStore',
        'searchIndex',
        'keyring',
        'contents',
        'serverKey',
        'passwords',
      ]);
      await defineIndices({ ...ports, readModels: readModelsOf(config), log });
      process.stdout.write('Indices are there.\n');
      const standings = openServiceStandings(ports, log);
      const shown = process.stdout.isTTY;
      if (!shown) makeFolder(config.dataDir);
      const { firstKey, firstAdmin } = await makeFirstThings({ ports, standings, config, shown, log });
      const found = await discover(config, { store: ports.store, standings, log });
      for (const { title, models } of found) process.stdout.write(`Models found at ${title}: ${models.join(', ')}\n`);
      process.stdout.write('The first tenants and models are there.\n');
      for (const line of adminLines(firstAdmin)) process.stdout.write(`${line}\n`);
      if (!firstKey.given && firstKey.key !== undefined)
        process.stdout.write(
          firstKey.file === undefined
            ? `The first API key, shown this once: ${firstKey.key}\n`
            : `The first API key is in ${firstKey.file}\n`,
        );
    } finally {
      await platform.close();
    }
  } finally {
    clearInterval(reminding);
  }
}

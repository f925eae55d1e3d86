// Kafka: one process that is broker and controller (KRaft), from Maven. Needs Java 17 and Maven.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import '#platform/kafka/mend-request-queue.ts';
import { freePort } from '../free-port.ts';
import { openServerProcess } from '../server-process.ts';
import type { RunningService, ServiceRecipe } from '../service.ts';
import { fetchJars, jarsFolder, JVM_OPTIONS } from './fetch-jars.ts';
import { type KafkaDoor, serverProperties } from './server-properties.ts';

const VERSION = '3.9.2';
const NAME = `kafka-${VERSION}`;
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg'; // any 16 bytes in URL-safe base64

export const kafkaRecipe: ServiceRecipe = {
  name: 'kafka',
  async install(cache) {
    await fetchJars(cache, NAME, 'kafka', { 'kafka.version': VERSION });
  },
  start: (options) => startKafka(options),
};

/** `doors`: see server-properties.ts; a broker tells clients where to connect, so a proxy before it must be what it tells. */
export async function startKafka(options: {
  readonly cache: string;
  readonly folder: string;
  readonly doors?: readonly KafkaDoor[];
}): Promise<RunningService> {
  const { cache, folder, doors = [] } = options;
  const [port, controllerPort] = await Promise.all([freePort(), freePort()]);
  writeFileSync(join(folder, 'server.properties'), serverProperties({ port, controllerPort, doors }));
  const java = [
    ...JVM_OPTIONS,
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    join(jarsFolder(cache, NAME), '*'),
  ];
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', 'server.properties'];
  await promisify(execFile)('java', ['-Xmx128m', ...java, ...format], { cwd: folder });
  const server = await openServerProcess({
    command: 'java',
    args: ['-Xms256m', '-Xmx512m', ...java, 'kafka.Kafka', 'server.properties'],
    cwd: folder,
    logFile: join(folder, 'kafka.log'),
    answers: () => answers(port),
    endBy: 'SIGKILL', // its data is thrown away: an orderly end would only take time
  });
  return { name: 'kafka', environment: { KAFKA_BROKERS: `127.0.0.1:${port}` }, ...server };
}

async function answers(port: number): Promise<boolean> {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 500,
    requestTimeout: 2_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } finally {
    await admin.disconnect();
  }
}

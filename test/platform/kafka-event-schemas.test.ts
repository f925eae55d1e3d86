import { expect } from 'chai';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import type { RecordedEvent } from '#events/envelope.ts';
import { openEventSchemas, type EventSchemas, type ReleasedSchema } from '#platform/kafka/event-schemas.ts';
import { describeOn } from '../services/describe-on.ts';
import { eventually } from '../support/eventually.ts';
import { numberedEvent } from '../support/numbered-events.ts';
import { openOwnSchemaRegistry } from '../support/own-kafka.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

const number: Field = { name: 'number', type: 'long' };
const note: Field = { name: 'note', type: ['null', 'string'], default: null };

describeOn(['schema-registry'], 'schemas of events in a registry', (env) => {
  const url = env['SCHEMA_REGISTRY_URL'] ?? '';
  let name: string;
  let opened: EventSchemas[];
  const log = createQuietLog();

  beforeEach(() => {
    name = `T${randomUUID().replaceAll('-', '')}`;
    opened = [];
  });
  afterEach(() => opened.forEach((schemas) => schemas.close()));

  const version = (version: number, fields: readonly Field[]): ReleasedSchema => ({
    type: 'Counted',
    version,
    schema: { type: 'record', name, namespace: 'test', fields },
  });

  function open(released: readonly ReleasedSchema[], at = url) {
    const schemas = openEventSchemas({ url: at, released, log });
    opened.push(schemas);
    return schemas;
  }

  function counted(data: unknown, schemaVersion = 1): RecordedEvent {
    const event = numberedEvent(0);
    const metadata = { ...event.metadata, schemaVersion };
    return { ...event, metadata, data, stream: 'alpha-1', revision: 0, position: 1n, recordedAt: 0 };
  }

  it('encodes each version by its schema, and decodes them all', async () => {
    const released = [version(1, [number]), version(2, [number, note])];
    await open(released).register();
    const writer = open(released);
    const reader = open(released);
    const old = await writer.encode(counted({ number: 1 }));
    const today = await writer.encode(counted({ number: 2, note: 'plain' }, 2));
    expect(old[0]).to.equal(0);
    expect(old.readUInt32BE(1)).to.not.equal(today.readUInt32BE(1));
    expect(await reader.decode(old)).to.deep.equal({ number: 1 });
    // A union with null takes and gives the plain value.
    expect(await reader.decode(today)).to.deep.equal({ number: 2, note: 'plain' });
  });

  it('registers again without a word, and sets FULL_TRANSITIVE', async () => {
    const released = [version(1, [number])];
    await open(released).register();
    await open(released).register();
    const config = await (await fetch(`${url}/config/test.${name}`)).json();
    expect(config).to.have.property('compatibilityLevel', 'FULL_TRANSITIVE');
    const versions = await (await fetch(`${url}/subjects/test.${name}/versions`)).json();
    expect(versions).to.have.length(1);
  });

  it('names the type whose schema is incompatible', async () => {
    await open([version(1, [number])]).register();
    const broken = open([version(2, [number, { name: 'must', type: 'string' }])]);
    const error = await refusal(Error, broken.register());
    expect(error).to.have.property('name', 'StartError');
    expect(error.message).to.match(/Counted version 2/);
  });

  it('says to run migrate when a schema is not registered, and soon finds it once it is', async () => {
    const released = [version(1, [number])];
    const writer = open(released);
    const error = await refusal(Error, Promise.resolve(writer.encode(counted({ number: 1 }))));
    expect(error).to.have.property('code', 'schema-missing');
    expect(error.message).to.match(/Counted version 1.*migrate/);
    await open(released).register();
    await eventually(async () => expect(await writer.encode(counted({ number: 1 }))).to.be.instanceOf(Buffer));
  });

  it('refuses an event of a type or version that this program does not know', () => {
    const writer = open([version(1, [number])]);
    expect(() => writer.encode(counted({ number: 1 }, 2)))
      .to.throw()
      .with.property('code', 'log-is-newer');
  });

  it('asks once for a schema that is missing, not for every event (confluent-schema-registry #301)', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error_code: 40401, message: 'Subject not found' }));
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    try {
      const { port } = proxy.address() as AddressInfo;
      const writer = open([version(1, [number])], `http://127.0.0.1:${port}/api`);
      for (let i = 0; i < 20; i++) {
        expect(await refusal(Error, Promise.resolve(writer.encode(counted({ number: i }))))).to.have.property(
          'code',
          'schema-missing',
        );
      }
      expect(asked).to.have.length(1);
    } finally {
      proxy.close();
      proxy.closeAllConnections();
    }
  });

  it('goes on with what it knows while the registry is killed, and waits for the rest', async function () {
    this.timeout(120_000);
    const own = await openOwnSchemaRegistry();
    try {
      const released = [version(1, [number]), version(2, [number, note])];
      const schemas = open(released, own.environment['SCHEMA_REGISTRY_URL']);
      await schemas.register();
      const value = await schemas.encode(counted({ number: 1 }));
      await schemas.decode(value);
      const stranger = open(released, own.environment['SCHEMA_REGISTRY_URL']);
      await own.kill9();
      expect(schemas.encode(counted({ number: 2 }))).to.be.instanceOf(Buffer);
      expect(schemas.decode(value)).to.deep.equal({ number: 1 });
      expect((await refusal(Error, schemas.health())).message).to.match(/does not answer/);
      const waiting = Promise.all([stranger.decode(value), stranger.encode(counted({ number: 3, note: null }, 2))]);
      await eventually(() => expect(log.lines.join()).to.match(/the schema registry does not answer/));
      await own.restart();
      const [decoded, encoded] = await waiting;
      expect(decoded).to.deep.equal({ number: 1 });
      expect(encoded).to.be.instanceOf(Buffer);
      await schemas.health();
    } finally {
      await own.close();
    }
  });

  it('stops waiting when it is closed', async () => {
    const schemas = open([version(1, [number])], 'http://127.0.0.1:1/api');
    const waiting = Promise.resolve(schemas.encode(counted({ number: 1 })));
    schemas.close();
    expect(await refusal(Error, waiting)).to.have.property('name', 'Interrupted');
  });
});

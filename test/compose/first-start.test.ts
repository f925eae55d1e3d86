import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { parseConfig } from '#platform/config.ts';
import { StartError } from '#platform/errors.ts';
import { makeFirstThings } from '../../compose/first-start.ts';
import { openPeoplePorts } from '../support/people-ports.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';

describe('a first start that can show nobody what it makes', () => {
  it('is refused, saying what to set, before anything is written; a later one needs no password', async () => {
    const ports = await openPeoplePorts();
    const passwords = {
      withRoom: () => Promise.reject(new Error('nobody signs in')),
      hash: async (text: string) => text,
      isCommon: async () => false,
      close: async () => undefined,
    };
    const start = async (env: Record<string, string>) => {
      const read = parseConfig(env, {});
      if (!read.ok) throw new Error(read.faults.join());
      return makeFirstThings({
        ports: { ...ports, passwords },
        standings: ports.standings,
        config: read.config,
        secretsTo: 'nowhere',
        log: createQuietLog(),
      });
    };
    const ADMIN_PASSWORD = randomBytes(12).toString('hex');
    const API_KEY = randomBytes(24).toString('hex');
    expect((await refusal(StartError, start({}))).message).to.include('ADMIN_PASSWORD and API_KEY');
    expect((await refusal(StartError, start({ ADMIN_PASSWORD }))).message)
      .to.include('API_KEY')
      .and.not.to.include('ADMIN_PASSWORD');
    expect((await refusal(StartError, start({ API_KEY }))).message)
      .to.include('ADMIN_PASSWORD')
      .and.not.to.include('API_KEY');
    expect(await ports.store.head()).to.equal(0n);
    const made = await start({ ADMIN_PASSWORD, API_KEY });
    expect(made).to.deep.include({ firstKey: { given: true } });
    expect(made.firstAdmin).to.include({ made: true, password: undefined });
    expect((await start({ API_KEY })).firstAdmin).to.deep.equal({ made: false });
  });
});

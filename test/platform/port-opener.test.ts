import { expect } from 'chai';
import { setImmediate as turn } from 'node:timers/promises';
import { createPortOpener } from '#platform/adapters/port-opener.ts';
import { Interrupted } from '#platform/patience/persist.ts';

const nothing = () => Promise.resolve();

function openerOf() {
  const waits = new Set<string>();
  const said: string[] = [];
  const opener = createPortOpener(waits);
  const port = (name: string, needs: () => Promise<unknown> = nothing, opening: Promise<void> = Promise.resolve()) =>
    opener.port(name, needs, async () => {
      said.push(`opening ${name}`);
      await opening;
      return { port: name, health: nothing, close: async () => void said.push(`closed ${name}`) };
    });
  return { opener, port, waits, said };
}

describe('opening ports', () => {
  it('opens each once, what it needs before it, and closes in reverse', async () => {
    const { opener, port, said } = openerOf();
    const log = port('log');
    const documents = port('documents', log);
    const bus = port('bus', () => Promise.all([log(), documents()]));
    expect(await Promise.all([bus(), documents(), log()])).to.deep.equal(['bus', 'documents', 'log']);
    expect(Object.keys(opener.health)).to.deep.equal(['log', 'documents', 'bus']);
    await opener.close();
    expect(said).to.deep.equal([
      'opening log',
      'opening documents',
      'opening bus',
      'closed bus',
      'closed documents',
      'closed log',
    ]);
  });

  it('opens at the same time what does not wait for one another, and names what is waited for', async () => {
    const { port, waits } = openerOf();
    const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const log = port('log');
    const all = Promise.all([port('documents', log, one.promise)(), port('index', log, other.promise)()]);
    await turn();
    expect([...waits]).to.deep.equal(['documents', 'index']);
    one.resolve();
    await turn();
    expect([...waits]).to.deep.equal(['index']);
    other.resolve();
    await all;
    expect([...waits]).to.deep.equal([]);
  });

  it('closes also what was still being opened when another could not be', async () => {
    const { opener, port, said } = openerOf();
    const late = Promise.withResolvers<void>();
    const broken = opener.port('broken', nothing, () => Promise.reject(new Error('no')));
    const error = await Promise.all([port('late', nothing, late.promise)(), broken()]).catch((err: unknown) => err);
    expect(error).to.have.property('message', 'no');
    const closing = opener.close();
    late.resolve();
    await closing;
    expect(said).to.deep.equal(['opening late', 'closed late']);
  });

  it('opens nothing more once it is closed, also not what waited for another meanwhile', async () => {
    const { opener, port, said } = openerOf();
    const slow = Promise.withResolvers<void>();
    const log = port('log', nothing, slow.promise);
    const waiting = port('documents', log)().catch((err: unknown) => err);
    await turn();
    const closing = opener.close();
    slow.resolve();
    await closing;
    expect(said).to.deep.equal(['opening log', 'closed log']);
    expect(await waiting).to.be.instanceOf(Interrupted);
    expect(await port('late')().catch((err: unknown) => err)).to.be.instanceOf(Interrupted);
    expect(said).to.have.length(2);
  });

  it('closes all that can be closed, and tells what could not', async () => {
    const { opener, port, said } = openerOf();
    await port('first')();
    const stuck = async () => ({ port: 0, close: () => Promise.reject(new Error('stuck')) });
    await opener.port('stuck', nothing, stuck)();
    const error = await opener.close().catch((err: unknown) => err);
    expect(error).to.be.instanceOf(AggregateError);
    expect((error as AggregateError).errors.map(String)).to.deep.equal(['Error: stuck']);
    expect(said).to.include('closed first');
  });
});

import { expect } from 'chai';
import { createKeyedAdapters } from '#platform/keyed-adapters.ts';

describe('adapters chosen by key', () => {
  function adapters() {
    const said: string[] = [];
    let fails = 1;
    const of = (name: string) => async () => {
      said.push(`open ${name}`);
      if (name === 'flaky' && fails-- > 0) throw new Error('not yet');
      return { name, close: async () => void said.push(`close ${name}`) };
    };
    return { said, keyed: createKeyedAdapters({ one: of('one'), other: of('other'), flaky: of('flaky') }) };
  }

  it('opens each when it is first named, once, and closes those alone', async () => {
    const { said, keyed } = adapters();
    const [first, second] = await Promise.all([keyed.get('one'), keyed.get('one')]);
    expect(first).to.equal(second);
    expect(said).to.deep.equal(['open one']);
    await keyed.close();
    expect(said).to.deep.equal(['open one', 'close one']);
  });

  it('knows none of another name, also not of one that every object has', () => {
    const { keyed } = adapters();
    expect(keyed.get('none')).to.equal(undefined);
    expect(keyed.get('constructor')).to.equal(undefined);
  });

  it('tries one that could not be opened again when it is named again', async () => {
    const { keyed } = adapters();
    expect(await keyed.get('flaky')?.catch((error: Error) => error.message)).to.equal('not yet');
    expect(await keyed.get('flaky')).to.have.property('name', 'flaky');
  });

  it('closes all that can be closed, and tells what could not', async () => {
    const [said, slow] = [[] as string[], Promise.withResolvers<void>()];
    const stuck = async () => ({ close: () => Promise.reject(new Error('stuck')) });
    const good = async () => ({ close: () => slow.promise.then(() => void said.push('closed')) });
    const keyed = createKeyedAdapters<{ close(): Promise<void> }>({ stuck, good });
    await Promise.all([keyed.get('stuck'), keyed.get('good')]);
    const closing = keyed.close().catch((err: unknown) => err);
    slow.resolve();
    const error = await closing;
    expect((error as AggregateError).errors.map(String)).to.deep.equal(['Error: stuck']);
    expect(said).to.deep.equal(['closed']);
  });

  it('opens none once it is closed', async () => {
    const { said, keyed } = adapters();
    await keyed.close();
    expect(await keyed.get('one')?.catch((error: Error) => error.message)).to.include('closed');
    expect(said).to.deep.equal([]);
  });
});

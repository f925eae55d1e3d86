import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import PostalMime from 'postal-mime';
import { openFolderMail } from '#platform/mail/folder-mail.ts';
import { newId } from '#platform/new-id.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { mailContract, SENDER } from './mail.contract.ts';

mailContract('folder', async () => {
  const { path, remove } = await temporaryFolder();
  const folder = join(path, 'outbox');
  return {
    mail: await openFolderMail({ folder, from: SENDER, log: createQuietLog() }),
    async received() {
      const names = await readdir(folder);
      return Promise.all(names.map(async (name) => PostalMime.parse(await readFile(join(folder, name)))));
    },
    close: remove,
  };
});

describe('the outbox', () => {
  const message = { id: newId(), to: 'a@b.example', subject: 's', text: 'https://x.example/reset#SECRET', html: '<p>' };
  let under: Awaited<ReturnType<typeof temporaryFolder>>;
  let folder: string;
  beforeEach(async () => {
    under = await temporaryFolder();
    folder = join(under.path, 'data', 'outbox');
  });
  afterEach(() => under.remove());

  it('is for its user alone, and its log says where a mail is and nothing of what is in it', async () => {
    const log = createQuietLog();
    const mail = await openFolderMail({ folder, from: SENDER, log });
    await mail.send(message);
    await mail.close();
    const file = join(folder, `${message.id}.eml`);
    expect((await stat(folder)).mode & 0o777).to.equal(0o700);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect(await readdir(folder)).to.deep.equal([`${message.id}.eml`]);
    expect(log.lines).to.have.length(1);
    expect(log.lines[0])
      .to.include(file)
      .and.not.to.match(/SECRET|a@b/);
  });

  it('keeps nothing for longer than it says', async () => {
    const mail = await openFolderMail({ folder, from: SENDER, log: createQuietLog(), keepMs: 50 });
    await mail.send(message);
    expect(await readdir(folder)).to.have.length(1);
    await eventually(async () => expect(await readdir(folder)).to.deep.equal([]));
    await mail.close();
  });

  it('removes at its start what it finds there of half an hour ago, what was never finished too', async () => {
    const open = () => openFolderMail({ folder, from: SENDER, log: createQuietLog() });
    await (await open()).close();
    const ages = { 'old.eml': 30, 'old.tmp': 31, 'young.eml': 29 };
    for (const [name, minutes] of Object.entries(ages)) {
      await writeFile(join(folder, name), '');
      await utimes(join(folder, name), new Date(), new Date(Date.now() - minutes * 60_000));
    }
    await (await open()).close();
    expect(await readdir(folder)).to.deep.equal(['young.eml']);
  });
});

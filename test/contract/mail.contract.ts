// What every way to send mail must do. `received` reads back what was handed over, as a mail program would.

import { expect } from 'chai';
import type { Email } from 'postal-mime';
import { type Mail, type MailMessage, MailRefused } from '#platform/mail/mail.ts';
import { newId } from '#platform/new-id.ts';
import { refusal } from '../support/refusal.ts';

export interface MailUnderTest {
  readonly mail: Mail;
  /** All of it, in any order. */
  received(): Promise<readonly Email[]>;
  close(): Promise<void>;
}

/** Whom the mails of the suite are from. */
export const SENDER = { name: 'Defter, the "ledger"', address: 'defter@sender.example' };

const message = (parts: Partial<MailMessage> = {}): MailMessage => ({
  id: newId(),
  to: 'someone@example.com',
  subject: 'A subject',
  text: 'A text\n',
  html: '<p>A text</p>\n',
  ...parts,
});

export function mailContract(name: string, start: () => Promise<MailUnderTest>) {
  describe(`mail: ${name}`, () => {
    let under: MailUnderTest;
    let mail: Mail;
    beforeEach(async () => {
      under = await start();
      ({ mail } = under);
    });
    afterEach(async () => {
      await mail.close();
      await under.close();
    });

    async function only(): Promise<Email> {
      const [first, second] = await under.received();
      expect(second).to.equal(undefined);
      return first!;
    }

    const header = ({ headers }: Email, key: string) =>
      headers.filter((one) => one.key === key).map(({ value }) => value);

    it('hands over sender, recipient, subject, text and page, in any letters', async () => {
      const text = 'Merhaba İbrahim,\n\n.\n..a line that begins with dots\nFrom here on: ığüşöç 🙂\n';
      const html =
        '<!doctype html><p lang="tr">Şifre: <a href="https://a.example/x?y=1&amp;z=2#token">sıfırla</a></p>\n';
      await mail.send(message({ subject: 'Şifrenizi sıfırlayın 🙂', text, html }));
      const got = await only();
      expect(got.from).to.deep.include(SENDER);
      expect(got.to).to.deep.equal([{ name: '', address: 'someone@example.com' }]);
      expect(got.subject).to.equal('Şifrenizi sıfırlayın 🙂');
      expect(got.text?.trimEnd()).to.equal(text.trimEnd());
      expect(got.html?.trimEnd()).to.equal(html.trimEnd());
    });

    it('keeps a link whole, however long', async () => {
      const link = `https://defter.example/reset#${'a-b_c.'.repeat(60)}`;
      await mail.send(message({ text: `Open this:\n\n${link}\n`, html: `<a href="${link}">Open</a>` }));
      const got = await only();
      expect(got.text?.split('\n')).to.include(link);
      expect(got.html).to.include(`"${link}"`);
    });

    it('says by its Message-ID which message it is, and that a program sent it', async () => {
      const id = newId();
      await mail.send(message({ id }));
      const got = await only();
      expect(got.messageId).to.equal(`<${id}@sender.example>`);
      expect(header(got, 'auto-submitted')).to.deep.equal(['auto-generated']);
      expect(Date.parse(got.date ?? '')).to.be.closeTo(Date.now(), 60_000);
    });

    it('bears the same message twice, under one Message-ID', async () => {
      const twice = message();
      await mail.send(twice);
      await mail.send(twice);
      const ids = (await under.received()).map(({ messageId }) => messageId);
      expect(new Set(ids)).to.deep.equal(new Set([`<${twice.id}@sender.example>`]));
    });

    for (const subject of [
      'a\r\nBcc: evil@example.com',
      'a\nBcc: evil@example.com\n\nbody',
      'a\u2028b\u0000\u0085\rc',
    ]) {
      it(`lets no subject become a header: ${JSON.stringify(subject)}`, async () => {
        await mail.send(message({ subject }));
        const got = await only();
        // oxlint-disable-next-line no-control-regex -- what the subject was made of
        expect(got.subject).to.equal(subject.replaceAll(/[\u0000-\u001f\u0085\u2028]+/g, ' '));
        expect([header(got, 'bcc'), header(got, 'to').length]).to.deep.equal([[], 1]);
        expect(got.text?.trimEnd()).to.equal('A text');
      });
    }

    for (const to of [
      'a@b.example\r\nBcc: evil@example.com',
      'a@b.example\u0000',
      'nobody',
      '',
      '@b.example',
      ' a@b.example',
    ]) {
      it(`refuses for good what is no address: ${JSON.stringify(to)}`, async () => {
        await refusal(MailRefused, mail.send(message({ to })));
        expect(await under.received()).to.deep.equal([]);
      });
    }

    for (const to of [
      `o'brien+tag=1@example.com`,
      '"a,b"@example.com',
      'a@xn--rksmrgs-5wao1o.example',
      'UPPER@example.com',
      'ıİ@example.com',
    ]) {
      it(`reaches an address of unusual form: ${to}`, async () => {
        await mail.send(message({ to }));
        const got = await only();
        expect(header(got, 'to')).to.have.length(1);
        expect(got.to).to.have.length(1);
        // Whoever reads it may leave out the quotes that a local part has on its way.
        expect(got.to?.[0]?.address?.replaceAll('"', '')).to.equal(to.replaceAll('"', ''));
      });
    }

    it('takes many at once', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, at) => mail.send(message({ to: `a${at}@example.com` }))));
      const recipients = (await under.received()).map(({ to }) => to?.[0]?.address);
      expect(new Set(recipients).size).to.equal(20);
    });
  });
}

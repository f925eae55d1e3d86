// What people are mailed, over a real mail server: links that let them in, once, and what happens where the server is away
// or refuses somebody.

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import PostalMime, { type Email } from 'postal-mime';
import { freePort } from '../services/free-port.ts';
import type { ApiAnswer } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { startSmtpServer, type TestSmtpServer } from '../support/smtp-server.ts';
import { describeFlow } from './with-defter.ts';

interface SignedIn {
  readonly accessToken: string;
}
interface Letters {
  readonly data: { readonly id: string; readonly stream: string; readonly error: string }[];
}

const PUBLIC_URL = 'https://defter.example/here';
const PATIENT_MS = 40_000;
const newPassword = () => randomBytes(12).toString('base64url');

const server: { port: number; running: TestSmtpServer | undefined } = { port: 0, running: undefined };

async function startServer(): Promise<TestSmtpServer> {
  server.running = await startSmtpServer({ port: server.port });
  return server.running;
}

describeFlow(
  'mails',
  (flow) => {
    let smtp: TestSmtpServer;
    before(() => {
      smtp = server.running!;
    });
    after(() => server.running?.stop());

    /** The newest mail to this address with this subject, once it is there. */
    async function mailTo(address: string, subject: string): Promise<Email> {
      let found: Email | undefined;
      await eventually(async () => {
        const taken = smtp.taken.filter(({ recipients }) => recipients.includes(address));
        const mails = await Promise.all(taken.map(({ raw }) => PostalMime.parse(raw)));
        found = mails.findLast((mail) => mail.subject === subject);
        expect(found, `${subject} to ${address}`).not.to.equal(undefined);
      }, PATIENT_MS);
      return found!;
    }
    const tokenIn = ({ text = '' }: Email, path: string) =>
      text
        .split('\n')
        .find((line) => line.startsWith(`${PUBLIC_URL}/${path}#`))
        ?.split('#')[1];
    const signIn = (email: string, password: string) =>
      flow().as(undefined)<SignedIn>('POST', '/v1/auth/login', { body: { email, password } });
    const post = (path: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
      flow().as(undefined)('POST', path, { body, ...(headers && { headers }) });
    const invite = (email: string, parts: object = {}): Promise<ApiAnswer<{ id: string }>> =>
      flow().api('POST', '/v1/users', { body: { email, ...parts } });

    const ada = { email: 'ada@example.com', password: newPassword() };

    it('invite, and who follows the link has an account', async function () {
      this.timeout(PATIENT_MS * 2);
      expect((await invite(ada.email)).status).to.equal(201);
      const token = tokenIn(await mailTo(ada.email, 'You are invited to default on Defter'), 'invitation');
      const accepted = { token, name: 'Ada', password: ada.password, language: 'en' };
      expect((await post('/v1/auth/invitation/accept', accepted)).status).to.equal(200);
      expectProblem(await post('/v1/auth/invitation/accept', accepted), 410, 'token-spent');
    });

    it('carry a link by which a forgotten password is set anew, once; every session ends, and its owner hears of it', async function () {
      this.timeout(PATIENT_MS * 2);
      const { email, password: old } = ada;
      const fresh = newPassword();
      const { body: before } = await signIn(email, old);
      expect((await flow().as(before.accessToken)('GET', '/v1/me')).status).to.equal(200);
      // Where links lead no request says.
      const forged = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
      expect((await post('/v1/auth/password/forgot', { email: 'Ada@Example.COM' }, forged)).status).to.equal(202);
      const mail = await mailTo(email, 'Set a new password for Defter');
      expect(`${mail.text}${mail.html}`).not.to.include('evil.example');
      const token = tokenIn(mail, 'reset');
      expect(mail.html).to.include(`"${PUBLIC_URL}/reset#${token}"`);

      const common = await post('/v1/auth/password/reset', { token, password: 'password1234' });
      expectProblem(common, 422, 'invalid-request', '/password');
      expect((await post('/v1/auth/password/reset', { token, password: fresh })).status).to.equal(204);
      const again = await post('/v1/auth/password/reset', { token, password: newPassword() });
      const forgedToken = await post('/v1/auth/password/reset', { token: `${token}x`, password: newPassword() });
      for (const refused of [again, forgedToken]) expectProblem(refused, 410, 'token-spent');
      expectProblem(await flow().as(before.accessToken)('GET', '/v1/me'), 401, 'unauthorized');
      expectProblem(await signIn(email, old), 401, 'invalid-credentials');
      expect((await signIn(email, fresh)).status).to.equal(200);
      await mailTo(email, 'Your password for Defter was changed');
      ada.password = fresh;
    });

    it('are not sent to who has no account, and the answer is the same', async () => {
      const { status, body, headers } = await post('/v1/auth/password/forgot', { email: 'nobody@example.com' });
      expect([status, body, headers.get('x-consistency-token')]).to.deep.equal([202, undefined, null]);
      const invited = await invite('invited@example.com');
      expect(invited.status).to.equal(201);
      expect((await post('/v1/auth/password/forgot', { email: 'invited@example.com' })).status).to.equal(202);
      await mailTo('invited@example.com', 'You are invited to default on Defter');
      const subjects = smtp.taken
        .filter(({ raw }) => raw.includes('Set a new password'))
        .flatMap((one) => one.recipients);
      expect(subjects).to.deep.equal(['ada@example.com']);
    });

    it('invite in the language of who is invited, and what is called like a tag is none', async function () {
      this.timeout(PATIENT_MS * 2);
      const name = '<b>İbrahim</b> & "Söhne"';
      expect((await invite('ibrahim@example.com', { name, language: 'tr', role: 'viewer' })).status).to.equal(201);
      const mail = await mailTo('ibrahim@example.com', 'Defter’de default sizi davet ediyor');
      expect(tokenIn(mail, 'invitation')).to.match(/^[\w-]+\.[\w-]{43}$/);
      expect(mail.text).to.include('Merhaba <b>İbrahim').and.to.include('izleyici');
      expect(mail.html).not.to.include('<b>');
    });

    it('confirm another address before it is one’s own; then the old one is nobody’s', async function () {
      this.timeout(PATIENT_MS * 2);
      const { body } = await signIn(ada.email, ada.password);
      const me = flow().as(body.accessToken);
      const ask = (password: string) => me('POST', '/v1/me/email', { body: { email: 'Ada@new.example', password } });
      expectProblem(await ask('not the password'), 401, 'invalid-credentials');
      expect((await ask(ada.password)).status).to.equal(202);
      expectProblem(await ask(ada.password), 429, 'too-many-requests');
      expectProblem(await signIn('ada@new.example', ada.password), 401, 'invalid-credentials');
      const mail = await mailTo('Ada@new.example', 'Confirm your new e-mail address for Defter');
      const token = tokenIn(mail, 'confirm-email');
      expectProblem(await post('/v1/auth/password/reset', { token, password: newPassword() }), 410, 'token-spent');
      expect((await post('/v1/me/email/confirm', { token })).status).to.equal(204);
      expectProblem(await post('/v1/me/email/confirm', { token }), 410, 'token-spent');
      expect((await signIn('ada@new.example', ada.password)).status).to.equal(200);
      expectProblem(await signIn(ada.email, ada.password), 401, 'invalid-credentials');
      expect((await me<{ email: string }>('GET', '/v1/me')).body.email).to.equal('Ada@new.example');
      await mailTo('ada@example.com', 'Your e-mail address for Defter was changed');
      // Whoever has it now is somebody else.
      const { body: invited } = await invite('ada@example.com');
      expect(invited.id).not.to.equal((await me<{ id: string }>('GET', '/v1/me')).body.id);
    });

    it('wait for the mail server to come back', async function () {
      this.timeout(PATIENT_MS * 2);
      await smtp.stop();
      expect((await invite('late@example.com')).status).to.equal(201);
      expect((await fetch(`${flow().url}/readyz`)).status).to.equal(200);
      smtp = await startServer();
      await mailTo('late@example.com', 'You are invited to default on Defter');
    });

    it('are dead letters where the server refuses somebody for good, and are sent when an administrator says so', async function () {
      this.timeout(PATIENT_MS * 2);
      smtp.refuse({
        recipient: (address) => (address === 'gone@example.com' ? [550, `5.1.1 no ${address}`] : undefined),
      });
      const { body: gone } = await invite('gone@example.com');
      await invite('here@example.com');
      await mailTo('here@example.com', 'You are invited to default on Defter');
      const letters = async () => (await flow().api<Letters>('GET', '/v1/dead-letters?group=workers.mail')).body.data;
      await eventually(async () => expect(await letters()).to.have.length(1), PATIENT_MS);
      const [letter] = await letters();
      expect(letter).to.include({ stream: `member-default-${gone.id}` });
      expect(letter?.error).to.include('550').and.not.to.include('gone@');
      smtp.refuse({});
      expect((await flow().api('POST', `/v1/dead-letters/${letter?.id}/retry`, { body: {} })).status).to.equal(202);
      await mailTo('gone@example.com', 'You are invited to default on Defter');
      await eventually(async () => expect(await letters()).to.deep.equal([]), PATIENT_MS);
    });
  },
  {
    env: async () => {
      server.port = await freePort();
      await startServer();
      return {
        SMTP_URL: `smtp://127.0.0.1:${server.port}?tls=off`,
        MAIL_FROM: 'Defter <defter@sender.example>',
        PUBLIC_URL,
      };
    },
  },
);

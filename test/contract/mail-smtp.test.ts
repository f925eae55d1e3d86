import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { expect } from 'chai';
import PostalMime from 'postal-mime';
import type { SmtpAddress } from '#platform/config/mail-server-url.ts';
import { type Mail, MailNotTaken, MailRefused } from '#platform/mail/mail.ts';
import { openSmtpMail, type SmtpDeadlines } from '#platform/mail/smtp-mail.ts';
import { newId } from '#platform/new-id.ts';
import { freePort } from '../services/free-port.ts';
import { refusal } from '../support/refusal.ts';
import { createSelfSigned } from '../support/self-signed.ts';
import { startSmtpServer, type TestSmtpOptions, type TestSmtpServer } from '../support/smtp-server.ts';
import { mailContract, SENDER } from './mail.contract.ts';

const plain = (port: number): SmtpAddress => ({ host: '127.0.0.1', port, tls: 'off' });

mailContract('SMTP', async () => {
  const server = await startSmtpServer();
  return {
    mail: openSmtpMail({ server: plain(server.port), from: SENDER }),
    received: () => Promise.all(server.taken.map(({ raw }) => PostalMime.parse(raw))),
    close: () => server.stop(),
  };
});

describe('mail over SMTP', () => {
  const opened: { close(): Promise<void> }[] = [];
  const open = (server: SmtpAddress, deadlines?: SmtpDeadlines): Mail => {
    const mail = openSmtpMail({ server, from: SENDER, ...(deadlines && { deadlines }) });
    opened.push(mail);
    return mail;
  };
  const start = async (options?: TestSmtpOptions): Promise<TestSmtpServer> => {
    const server = await startSmtpServer(options);
    opened.push({ close: () => server.stop() });
    return server;
  };
  afterEach(async () => {
    for (let last = opened.pop(); last; last = opened.pop()) await last.close();
  });
  const message = (to = 'someone@example.com') => ({ id: newId(), to, subject: 's', text: 't', html: '<p>t' });

  it('names one sender and one recipient to the server, whatever the address looks like', async () => {
    const server = await start();
    await open(plain(server.port)).send(message('evil,other@example.com'));
    const envelopes = server.taken.map(({ sender, recipients }) => [sender, ...recipients]);
    expect(envelopes).to.deep.equal([[SENDER.address, '"evil,other"@example.com']]);
  });

  it('gives the server a host in the form that names on the wire have', async () => {
    const server = await start();
    await open(plain(server.port)).send(message('Ada@Räksmörgås.example'));
    // The server of the tests shows it to people in the envelope.
    expect(server.taken.map(({ recipients }) => recipients)).to.deep.equal([['Ada@räksmörgås.example']]);
    expect(server.taken[0]!.raw.toString()).to.match(/^To: Ada@xn--rksmrgs-5wao1o\.example\r$/m);
  });

  it('sends many over few connections', async () => {
    const server = await start();
    const mail = open(plain(server.port));
    await Promise.all(Array.from({ length: 30 }, () => mail.send(message())));
    expect(server.taken).to.have.length(30);
    expect(server.connections()).to.be.at.most(2);
  });

  it('is not taken while the server is away, and is when it is back', async () => {
    const port = await freePort();
    const mail = open(plain(port));
    await refusal(MailNotTaken, mail.send(message()));
    const first = await start({ port });
    await mail.send(message());
    await first.stop();
    await refusal(MailNotTaken, mail.send(message()));
    const second = await start({ port });
    await mail.send(message());
    expect([first.taken.length, second.taken.length]).to.deep.equal([1, 1]);
  });

  /** What the server answers to the recipient or to the message, and whether it is for good. */
  const replies = [
    ['recipient', 550, true],
    ['recipient', 553, true],
    ['recipient', 450, false],
    ['recipient', 503, false],
    ['recipient', 421, false],
    ['message', 554, true],
    ['message', 452, false],
  ] as const;
  for (const [what, code, isForGood] of replies) {
    it(`${isForGood ? 'is refused for good' : 'may be taken later'}: ${code} to the ${what}; the next is taken`, async () => {
      const server = await start();
      const mail = open(plain(server.port));
      const to = 'private@person.example';
      server.refuse({ [what]: () => [code, `5.1.1 <${to}>: see https://x.example/why#SECRET`] });
      const kind = isForGood ? MailRefused : MailNotTaken;
      const { message: said } = await refusal<MailRefused | MailNotTaken>(kind, mail.send(message(to)));
      expect(said)
        .to.include(String(code))
        .and.to.include('5.1.1')
        .and.not.to.match(/private|SECRET/);
      server.refuse({});
      await mail.send(message());
      expect(server.taken).to.have.length(1);
    });
  }

  it('logs in where it is told as whom; a wrong password is no fault of the message', async () => {
    const server = await start({ login: 'me:right' });
    const as = (password: string) => open({ ...plain(server.port), user: 'me', password });
    await as('right').send(message());
    const { message: said } = await refusal(MailNotTaken, as('not-right').send(message()));
    expect(said).to.include('EAUTH').and.not.to.include('not-right');
    expect(server.logins).to.deep.equal(['me:right', 'me:not-right']);
    expect(server.taken).to.have.length(1);
  });

  it('says nothing without the TLS that is asked for, nor to a server whose certificate nobody vouches for', async () => {
    const without = await start({ login: 'me:right' });
    const { key, certificate: cert } = createSelfSigned();
    const [later, atOnce] = [await start({ key, cert, login: 'me:right' }), await start({ key, cert, secure: true })];
    const to = (tls: SmtpAddress['tls'], { port }: TestSmtpServer) =>
      open({ host: 'localhost', port, tls, user: 'me', password: 'right' }).send(message());
    await refusal(MailNotTaken, to('starttls', without));
    await refusal(MailNotTaken, to('starttls', later));
    await refusal(MailNotTaken, to('at-once', atOnce));
    await refusal(MailNotTaken, to('at-once', without));
    expect([without, later, atOnce].flatMap(({ taken, logins }) => [...taken, ...logins])).to.deep.equal([]);
  });

  describe('to a server that does not go on', () => {
    let silent: Server;
    const deadlines = { connectMs: 100, greetingMs: 100, silenceMs: 100, wholeMs: 100 };
    const serve = async (onConnection: Parameters<typeof createServer>[1]) => {
      silent = createServer(onConnection);
      silent.listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const { port } = silent.address() as { port: number };
      return port;
    };
    afterEach(() => void silent.close());

    it('ends when there is no greeting', async () => {
      const port = await serve((socket) => socket.on('error', () => undefined));
      await refusal(
        MailNotTaken,
        open(plain(port), { ...deadlines, silenceMs: 60_000, wholeMs: 60_000 }).send(message()),
      );
    });

    it('ends when it falls silent', async () => {
      const port = await serve((socket) => void socket.on('error', () => undefined).write('220 here\r\n'));
      await refusal(MailNotTaken, open(plain(port), { ...deadlines, wholeMs: 60_000 }).send(message()));
    });

    it('ends when it says a little again and again', async () => {
      const port = await serve((socket) => {
        socket.write('220 here\r\n');
        const talk = setInterval(() => socket.write('250-more\r\n'), 10);
        socket.on('error', () => undefined).once('close', () => clearInterval(talk));
      });
      await refusal(MailNotTaken, open(plain(port), deadlines).send(message()));
    });
  });
});

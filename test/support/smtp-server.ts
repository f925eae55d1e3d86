// A real mail server on this machine, which keeps what it takes and can be told to refuse.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface TakenMail {
  /** As the envelope has it, which decides who gets it. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly raw: Buffer;
}

/** What the server says to a recipient or a message, such as `[550, 'no such mailbox']`. */
export type Reply = readonly [code: number, text: string];

export interface TestSmtpServer {
  readonly port: number;
  readonly taken: readonly TakenMail[];
  /** Logins as `user:password`. */
  readonly logins: readonly string[];
  /** How many clients have connected so far. */
  readonly connections: () => number;
  /** From now on; undefined: nothing is refused. */
  refuse(what: { recipient?: (address: string) => Reply | undefined; message?: () => Reply | undefined }): void;
  stop(): Promise<void>;
}

export interface TestSmtpOptions extends Pick<SMTPServerOptions, 'secure' | 'key' | 'cert'> {
  /** Any free one unless named. */
  readonly port?: number;
  /** `user:password`; left out, no login is offered. */
  readonly login?: string;
}

/** Offers STARTTLS where it is given a certificate, and is not `secure` from the first byte on. */
export async function startSmtpServer({ port = 0, login, ...tls }: TestSmtpOptions = {}): Promise<TestSmtpServer> {
  const taken: TakenMail[] = [];
  const logins: string[] = [];
  let connections = 0;
  let refused: Parameters<TestSmtpServer['refuse']>[0] = {};
  const disabled = [...(tls.cert === undefined ? ['STARTTLS'] : []), ...(login === undefined ? ['AUTH'] : [])];
  const server = new SMTPServer({
    ...tls,
    authOptional: login === undefined,
    disabledCommands: disabled,
    logger: false,
    closeTimeout: 100,
    onConnect(_, done) {
      connections++;
      done();
    },
    onAuth({ username, password }, _, done) {
      logins.push(`${username}:${password}`);
      if (logins.at(-1) === login) done(null, { user: username });
      else done(new Error('wrong'));
    },
    onRcptTo: ({ address }, _, done) => done(asFault(refused.recipient?.(address))),
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('error', done);
      stream.once('end', () => {
        const fault = asFault(refused.message?.());
        const { mailFrom, rcptTo } = envelope;
        const sender = mailFrom === false ? '' : mailFrom.address;
        if (!fault)
          taken.push({ sender, recipients: rcptTo.map(({ address }) => address), raw: Buffer.concat(chunks) });
        done(fault);
      });
    },
  });
  server.on('error', () => {
    // A client that does not trust the certificate leaves in the middle of the handshake; the test sees that at the client.
  });
  const listening = server.listen(port, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    taken,
    logins,
    connections: () => connections,
    refuse: (what) => void (refused = what),
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

function asFault(reply: Reply | undefined): Error | null {
  if (!reply) return null;
  const [responseCode, text] = reply;
  return Object.assign(new Error(text), { responseCode });
}

import { expect } from 'chai';
import { describeConfig, parseConfig } from '#platform/config.ts';
import { engineFaults } from '#platform/config/engines.ts';
import { parseSmtpUrl, printSmtpAddress, type SmtpAddress } from '#platform/config/mail-server-url.ts';

const taken: readonly (readonly [url: string, address: SmtpAddress, printed: string])[] = [
  ['smtp://mail.example', { host: 'mail.example', port: 587, tls: 'starttls' }, 'smtp://mail.example:587'],
  ['smtp://mail.example:25/', { host: 'mail.example', port: 25, tls: 'starttls' }, 'smtp://mail.example:25'],
  ['smtp://127.0.0.1:1025?tls=off', { host: '127.0.0.1', port: 1025, tls: 'off' }, 'smtp://127.0.0.1:1025?tls=off'],
  ['smtps://[::1]', { host: '::1', port: 465, tls: 'at-once' }, 'smtps://[::1]:465'],
  [
    'smtps://me%40example.com:p%40ss%3F%23%25@mail.example:4650',
    { host: 'mail.example', port: 4650, tls: 'at-once', user: 'me@example.com', password: 'p@ss?#%' },
    'smtps://mail.example:4650',
  ],
];

const refused: readonly string[] = [
  'mail.example',
  'http://mail.example',
  'smtp://',
  'smtp://:25',
  'smtp://user@mail.example',
  'smtp://:secret@mail.example',
  'smtp://user:secret%@mail.example',
  'smtp://user:sec#ret@mail.example',
  'smtp://mail.example:port',
  'smtp://mail.example/path',
  'smtp://mail.example?tls=maybe',
  'smtp://mail.example?tls=off&tls=off',
  'smtp://mail.example?TLS=off',
  'smtps://mail.example?tls=off',
  'smtp://a,b',
];

describe('SMTP_URL', () => {
  for (const [url, address, printed] of taken)
    it(`is read: ${url}`, () => {
      const read = parseSmtpUrl(url);
      expect(read).to.deep.equal(address);
      expect(printSmtpAddress(address)).to.equal(printed);
    });

  for (const url of refused)
    it(`is refused, and not repeated: ${url}`, () => {
      const result = parseConfig({ SMTP_URL: url });
      const faults = result.ok ? [] : result.faults;
      expect(faults).to.have.length(1);
      expect(faults[0])
        .to.match(/^SMTP_URL must be smtp:\/\/ or smtps:\/\//)
        .and.not.include('secret');
    });

  it('needs a MAIL_FROM, and is not printed', () => {
    const config = (env: Record<string, string>) => {
      const result = parseConfig({ SMTP_URL: 'smtp://user:secret@mail.example', ...env });
      if (!result.ok) throw new Error(result.faults.join());
      return result.config;
    };
    expect(engineFaults(config({})).join()).to.match(/^SMTP_URL is set, so MAIL_FROM must be too/);
    const whole = config({ MAIL_FROM: 'defter@example.com' });
    expect(engineFaults(whole)).to.deep.equal([]);
    expect(describeConfig(whole)).to.include({ SMTP_URL: '***', MAIL_FROM: 'defter@example.com' });
  });
});

describe('MAIL_FROM', () => {
  const read = (text: string) => {
    const result = parseConfig({ MAIL_FROM: text });
    return result.ok ? result.config.mailFrom : undefined;
  };

  for (const [text, name, address] of [
    ['defter@example.com', '', 'defter@example.com'],
    ['<defter@example.com>', '', 'defter@example.com'],
    ['Defter <defter@example.com>', 'Defter', 'defter@example.com'],
    ['"Defter, Inc." <defter@example.com>', 'Defter, Inc.', 'defter@example.com'],
    ['Örnek A.Ş.<no-reply+x@mail.example.com>', 'Örnek A.Ş.', 'no-reply+x@mail.example.com'],
  ] as const)
    it(`is read: ${text}`, () => {
      expect(read(text)).to.deep.equal({ name, address });
      const result = parseConfig({ MAIL_FROM: text });
      const shown = result.ok ? (describeConfig(result.config)['MAIL_FROM'] ?? '') : '';
      expect(read(shown)).to.deep.equal({ name, address });
    });

  for (const text of ['Defter', 'a@b@c', 'a@b, c@d', 'x <a@b> y', '"x" y <a@b>', 'a b@c', 'x\n<a@b>'])
    it(`is refused: ${JSON.stringify(text)}`, () => expect(read(text)).to.equal(undefined));
});

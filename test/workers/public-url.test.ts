import { expect } from 'chai';
import { publicUrlOf } from '../../workers/mail/public-url.ts';

describe('where links in mails begin', () => {
  for (const [publicUrl, host, port, expected] of [
    ['https://defter.example/here', '0.0.0.0', 80, 'https://defter.example/here'],
    [undefined, '127.0.0.1', 8080, 'http://127.0.0.1:8080'],
    [undefined, '0.0.0.0', 8080, 'http://127.0.0.1:8080'],
    [undefined, '::', 9000, 'http://127.0.0.1:9000'],
    [undefined, '::1', 9000, 'http://[::1]:9000'],
    [undefined, 'defter.local', 80, 'http://defter.local:80'],
  ] as const)
    it(`${publicUrl ?? 'nothing'} and ${host} make ${expected}`, () => {
      expect(publicUrlOf({ publicUrl, host, port })).to.equal(expected);
    });
});

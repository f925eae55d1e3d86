import { expect } from 'chai';
import { jsonPointer, partsOfPointer } from '../../platform/json-pointer.ts';

describe('a JSON pointer', () => {
  // RFC 6901, section 5.
  const examples = [
    { path: [], pointer: '' },
    { path: ['foo', '0'], pointer: '/foo/0' },
    { path: [''], pointer: '/' },
    { path: ['a/b'], pointer: '/a~1b' },
    { path: ['m~n'], pointer: '/m~0n' },
    { path: ['~1'], pointer: '/~01' },
  ];
  for (const { path, pointer } of examples) {
    it(`names ${JSON.stringify(path)} by ${JSON.stringify(pointer)}`, () => {
      expect(jsonPointer(path)).to.equal(pointer);
      expect(partsOfPointer(pointer)).to.deep.equal(path);
    });
  }
});

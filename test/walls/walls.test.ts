import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkWalls, type Breach } from './check-walls.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fixture = fileURLToPath(new URL('./fixture', import.meta.url));

const shown = ({ rule, file, line, about }: Breach) => `${file}:${line} [${rule}] ${about}`;

describe('the walls between rooms', () => {
  it('stand', () => {
    expect(checkWalls(root, ['test/walls/fixture/']).map(shown)).to.deep.equal([]);
  });

  // Each file of the fixture that breaks a rule names it in its first line; the others must not be flagged.
  describe('are checked: the fixture', () => {
    const breaches = checkWalls(fixture);
    const files = readdirSync(fixture, { recursive: true, encoding: 'utf8' }).filter((name) => /\.m?ts$/.test(name));
    const expectedOf = (file: string) => {
      const [, rules] = /^\/\/ breach: (.*)$/m.exec(readFileSync(join(fixture, file), 'utf8')) ?? [];
      return rules?.split(', ') ?? [];
    };

    for (const file of files) {
      const expected = expectedOf(file);
      it(`${file}: ${expected.join(', ') || 'nothing'}`, () => {
        const found = breaches.filter((breach) => breach.file === file).map(({ rule }) => rule);
        expect(found).to.have.members(expected);
      });
    }

    it('breaks every rule at least once', () => {
      const rules = ['room', 'unknown-room', 'package', 'adapter', 'platform', 'style', 'missing', 'environment'];
      const all = [...rules, 'default-export', 'name', 'cycle'];
      expect([...new Set(files.flatMap(expectedOf))]).to.have.members(all);
    });
  });
});

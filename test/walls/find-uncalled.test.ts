import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { problems } from '#contracts/problems.ts';
import { findUncalled } from './find-uncalled.ts';
import { isScript, outside, rooms, waiting } from './rooms.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function readProduction(): ReadonlyMap<string, string> {
  const tops = Object.keys(rooms).filter((room) => !outside.has(room));
  const names = readdirSync(root, { withFileTypes: true });
  const files = names
    .filter(({ name }) => tops.includes(name))
    .flatMap((top) => {
      if (!top.isDirectory()) return [top.name];
      const inside = readdirSync(join(root, top.name), { recursive: true, encoding: 'utf8' });
      return inside.map((name) => `${top.name}/${name.replaceAll('\\', '/')}`);
    })
    .filter((file) => file.endsWith('.ts'));
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

describe('a problem that nothing answers with', () => {
  it('is not in the table', () => {
    const elsewhere = [...readProduction()]
      .filter(([file]) => !file.startsWith('contracts/') && file !== 'platform/http/problem.ts')
      .map(([, text]) => text)
      .join('\n');
    const unsaid = Object.keys(problems).filter(
      (code) => !new RegExp(`'${code}'|problems\\.${code}\\b`).test(elsewhere),
    );
    expect(unsaid).to.deep.equal([]);
  });
});

describe('code without a caller in production', () => {
  const shown = ({ file, name, line }: ReturnType<typeof findUncalled>[number]) => `${file}:${line} ${name}`;

  it('is not there', () => {
    expect(findUncalled(readProduction(), isScript, Object.keys(waiting)).map(shown)).to.deep.equal([]);
  });

  it('is named only while it waits for its caller', () => {
    const found = findUncalled(readProduction(), isScript).map(({ file, name }) => `${file}#${name}`);
    expect(found).to.include.members(Object.keys(waiting));
  });

  it('is found', () => {
    const files = new Map([
      [
        'main.ts',
        "import { used } from './room/part.ts';\nused();\nconst { late } = await import('./room/later.ts');\nlate();",
      ],
      [
        'room/part.ts',
        [
          'export const used = () => helper();',
          'const helper = () => seen.used;',
          'const seen = { used: 1 };',
          'export const unused = () => onlyForUnused();',
          'export const onlyForUnused = () => 1;',
          'export interface Shape { readonly used: number }',
        ].join('\n'),
      ],
      [
        'room/later.ts',
        "export const late = () => start('./thread.ts');\nexport const never = 1;\nconst start = String;",
      ],
      ['room/thread.ts', "import { inThread } from './in-thread.ts';\ninThread();"],
      ['room/in-thread.ts', 'export const inThread = () => 1;\nexport const besideIt = 2;'],
      ['room/lost.ts', "import { used } from './part.ts';\nexport const lost = used;"],
    ]);
    const find = (parts: readonly string[] = []) =>
      findUncalled(files, (file) => file === 'main.ts', parts).map(({ name }) => name);
    expect(find()).to.have.members(['unused', 'onlyForUnused', 'Shape', 'never', 'besideIt', 'lost']);
    expect(find(['room/part.ts#unused', 'room/lost.ts#lost'])).to.have.members(['Shape', 'never', 'besideIt']);
  });
});

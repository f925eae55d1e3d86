import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import ts from 'typescript';
import { aggregates } from '#events/aggregates.ts';

const folder = new URL('../../events/', import.meta.url);
/** What the language itself has, and no change of this program changes. */
const ofTheLanguage = new Set(['Math', 'Object', 'Set', 'undefined']);

type Evolve = ts.FunctionDeclaration | ts.Expression;

/** The `evolve` of each aggregate that a file defines. */
function evolvesIn(source: ts.SourceFile): Evolve[] {
  const declared = new Map<string, Evolve>();
  const found: Evolve[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) && node.name) declared.set(node.name.text, node);
    if (ts.isVariableDeclaration(node) && node.initializer) declared.set(node.name.getText(), node.initializer);
    ts.forEachChild(node, visit);
    if (!ts.isCallExpression(node) || node.expression.getText() !== 'defineAggregate') return;
    const [definition] = node.arguments;
    if (!definition || !ts.isObjectLiteralExpression(definition))
      throw new TypeError('the definition stands elsewhere');
    const member = definition.properties.find(({ name }) => name?.getText() === 'evolve');
    const given = member && ts.isPropertyAssignment(member) ? member.initializer : undefined;
    const evolve = given && !ts.isIdentifier(given) ? given : declared.get(given?.text ?? 'evolve');
    if (!evolve) throw new TypeError('its evolve stands elsewhere');
    found.push(evolve);
  };
  visit(source);
  return found;
}

const declares = (node: ts.Node) =>
  ts.isParameter(node) || ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isFunctionLike(node);

/** Whether a name says only which member of something is meant. */
function isMemberName(name: ts.Identifier): boolean {
  const { parent } = name;
  if (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) return parent.name === name;
  return ts.isBindingElement(parent) && parent.propertyName === name;
}

/** Names that are used in it and declared elsewhere; types are gone from its text. */
function namesFromOutside(evolve: Evolve): string[] {
  const declared = new Set<string>();
  const used = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isTypeParameterDeclaration(node)) return;
    if (ts.isIdentifier(node) && !isMemberName(node)) {
      const isDeclared = declares(node.parent) && (node.parent as ts.NamedDeclaration).name === node;
      (isDeclared ? declared : used).add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(evolve);
  return [...used].filter((name) => !declared.has(name) && !ofTheLanguage.has(name));
}

const parse = (text: string) => ts.createSourceFile('events.ts', text, ts.ScriptTarget.Latest, true);

describe('what folds the events of an aggregate', () => {
  it('names nothing outside itself, so that its text tells snapshots by another one apart', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
    const evolves = files.flatMap((name) =>
      evolvesIn(parse(readFileSync(new URL(name, folder), 'utf8'))).map((evolve) => ({ name, evolve })),
    );
    expect(evolves).to.have.length(aggregates.length);
    const outside = evolves.flatMap(({ name, evolve }) => namesFromOutside(evolve).map((one) => `${name}: ${one}`));
    expect(outside).to.deep.equal([]);
  });

  it('is seen to name a constant, a function or a member given in short that stands outside', () => {
    const text = `
      const MOST = 20;
      const said = (event: Event) => ({ at: event.recordedAt });
      function evolve(state: State, event: Event): State {
        const { data: kept, ...rest } = event;
        switch (event.type) {
          case 'A': return { kept, MOST, rest: said(event), said: Math.max(state.said, kept) };
        }
      }
      const it = defineAggregate({ category: 'it', evolve });`;
    expect(evolvesIn(parse(text)).flatMap(namesFromOutside)).to.have.members(['MOST', 'said']);
  });
});

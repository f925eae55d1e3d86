// Finds what production code declares and never comes to: from the scripts that are run, through what each declaration
// names, as a bundler shakes a tree. What only a test uses counts as uncalled.

import { posix } from 'node:path';
import ts from 'typescript';

export interface Uncalled {
  readonly file: string;
  readonly line: number;
  readonly name: string;
}

interface Declaration {
  readonly line: number;
  readonly isExported: boolean;
  readonly uses: readonly Use[];
}

/** A name of this file, or a name of another one; `*` is all of it. */
type Use = { readonly name: string } | { readonly file: string; readonly name: string };

interface Module {
  readonly declared: ReadonlyMap<string, Declaration[]>;
  readonly imported: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  /** What runs when the file is loaded. */
  readonly runs: readonly Use[];
}

/**
 * Every export that is not come to from a script nor from `waiting` (`file#name`, for parts whose caller is still to come).
 * `files` are paths from the root with their text; what they import from outside of them is not looked at.
 */
export function findUncalled(
  files: ReadonlyMap<string, string>,
  isScript: (file: string) => boolean,
  waiting: readonly string[] = [],
): Uncalled[] {
  const modules = new Map([...files].map(([file, text]) => [file, readModule(file, text)]));
  const reached = new Set<string>();
  const open: { readonly file: string; readonly name: string }[] = [];
  const reach = (file: string, name: string) => {
    const key = `${file}#${name}`;
    if (!modules.has(file) || reached.has(key)) return;
    reached.add(key);
    open.push({ file, name });
  };
  const follow = (from: string, uses: readonly Use[]) => {
    for (const use of uses) reach('file' in use ? use.file : from, use.name);
  };

  for (const file of files.keys()) if (isScript(file)) reach(file, '*');
  for (const part of waiting) reach(...(part.split('#') as [string, string]));
  for (let next = open.pop(); next; next = open.pop()) {
    const { file, name } = next;
    const { declared, imported, runs } = modules.get(file)!;
    follow(file, runs);
    const from = imported.get(name);
    if (from) reach(from.file, from.name);
    const found = name === '*' ? [...declared.values()].flat() : (declared.get(name) ?? []);
    if (name === '*') for (const one of declared.keys()) reach(file, one);
    for (const { uses } of found) follow(file, uses);
  }
  return [...modules].flatMap(([file, { declared }]) =>
    [...declared].flatMap(([name, [first]]) =>
      !first?.isExported || reached.has(`${file}#${name}`) ? [] : [{ file, name, line: first.line }],
    ),
  );
}

function readModule(file: string, text: string): Module {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const declared = new Map<string, Declaration[]>();
  const imported = new Map<string, { readonly file: string; readonly name: string }>();
  const runs: Use[] = [];
  const declare = (name: string, statement: ts.Statement, node: ts.Node = statement) => {
    const line = source.getLineAndCharacterOfPosition(statement.getStart(source)).line + 1;
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
    declared.set(name, [...(declared.get(name) ?? []), { line, isExported, uses: usesOf(node, file) }]);
  };

  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const target = targetOf(statement.moduleSpecifier, file);
      const { namedBindings } = statement.importClause ?? {};
      if (target === undefined) continue;
      if (!statement.importClause) runs.push({ file: target, name: '*' });
      else if (namedBindings && ts.isNamespaceImport(namedBindings)) {
        imported.set(namedBindings.name.text, { file: target, name: '*' });
      } else if (namedBindings) {
        for (const { name, propertyName } of namedBindings.elements) {
          imported.set(name.text, { file: target, name: (propertyName ?? name).text });
        }
      }
    } else if (ts.isExportDeclaration(statement)) {
      const target = targetOf(statement.moduleSpecifier, file);
      const { exportClause } = statement;
      if (target === undefined || !exportClause || !ts.isNamedExports(exportClause)) continue;
      for (const { name, propertyName } of exportClause.elements) {
        imported.set(name.text, { file: target, name: (propertyName ?? name).text });
      }
    } else if (ts.isVariableStatement(statement)) {
      for (const one of statement.declarationList.declarations) {
        for (const name of namesOf(one.name)) declare(name, statement, one);
      }
    } else if (isNamed(statement)) declare(statement.name.text, statement);
    else runs.push(...usesOf(statement, file));
  }
  return { declared, imported, runs };
}

type Named = ts.Statement & { readonly name: ts.Identifier };

const isNamed = (node: ts.Statement): node is Named =>
  (ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)) &&
  node.name !== undefined;

const namesOf = (name: ts.BindingName): string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : namesOf(element.name)));

/** The file that a literal specifier means; undefined for a package. */
function targetOf(specifier: ts.Node | undefined, file: string): string | undefined {
  if (!specifier || !ts.isStringLiteralLike(specifier)) return undefined;
  if (specifier.text.startsWith('#')) return specifier.text.slice(1);
  return specifier.text.startsWith('.') ? posix.join(posix.dirname(file), specifier.text) : undefined;
}

function usesOf(root: ts.Node, file: string): Use[] {
  const uses: Use[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      if (!isMemberName(node)) uses.push({ name: node.text });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const target = targetOf(node.arguments[0], file);
      if (target !== undefined) for (const name of namesTaken(node)) uses.push({ file: target, name });
    } else if (ts.isStringLiteralLike(node) && node.text.endsWith('.ts') && !isModuleName(node)) {
      // A thread's script: it is loaded, and asked for what its loader knows by name.
      const target = targetOf(node, file);
      if (target !== undefined) uses.push({ file: target, name: '*' });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const target = targetOf(node.argument.literal, file);
      if (target !== undefined) uses.push({ file: target, name: node.qualifier?.getText() ?? '*' });
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(root, visit);
  return uses;
}

/** What is taken of a dynamic import: `const { a } = await import(…)`, `(await import(…)).a`; else all of it. */
function namesTaken(call: ts.CallExpression): readonly string[] {
  let node: ts.Node = call.parent;
  while (ts.isAwaitExpression(node) || ts.isParenthesizedExpression(node)) node = node.parent;
  if (ts.isPropertyAccessExpression(node) && node.name.text !== 'then') return [node.name.text];
  if (!ts.isVariableDeclaration(node) || !ts.isObjectBindingPattern(node.name)) return ['*'];
  return node.name.elements.map(({ name, propertyName }) => (propertyName ?? name).getText());
}

/** Of an import, whose names are looked at. */
const isModuleName = ({ parent }: ts.Node): boolean =>
  ts.isLiteralTypeNode(parent) ||
  (ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword);

/** `b` of `a.b`, `{ b: a }` and what an interface or a class calls its members. */
function isMemberName({ parent, text }: ts.Identifier): boolean {
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === text && parent.expression.getText() !== text;
  if (ts.isQualifiedName(parent)) return parent.right.text === text && parent.left.getText() !== text;
  if (ts.isBindingElement(parent)) return parent.propertyName?.getText() === text && parent.initializer === undefined;
  return (
    (ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isPropertyDeclaration(parent)) &&
    parent.name.getText() === text &&
    (!('initializer' in parent) || parent.initializer?.getText() !== text)
  );
}

// What one source file refers to, read with TypeScript's own parser.

import ts from 'typescript';

export interface Reference {
  /** As written. */
  readonly specifier: string;
  /**
   * `value` runs when the file is loaded, `later` is a dynamic import or the URL of a thread's script, `type` is gone at
   * run time.
   */
  readonly kind: 'value' | 'later' | 'type';
  readonly line: number;
}

export interface SourceFile {
  readonly references: readonly Reference[];
  /** Lines with a default export. */
  readonly defaultExports: readonly number[];
  /** Lines that read the environment. */
  readonly environmentReads: readonly number[];
}

export function readSourceFile(path: string, text: string): SourceFile {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const references: Reference[] = [];
  const defaultExports: number[] = [];
  const environmentReads: number[] = [];
  const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const refer = (specifier: ts.Node | undefined, kind: Reference['kind']) => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    references.push({ specifier: specifier.text, kind, line: lineOf(specifier) });
  };

  function visit(node: ts.Node): void {
    if (ts.isImportDeclaration(node)) {
      refer(node.moduleSpecifier, isTypeImport(node) ? 'type' : 'value');
      if (/^(?:node:)?process$/.test((node.moduleSpecifier as ts.StringLiteral).text)) {
        if (/\benv\b/.test(node.importClause?.getText(source) ?? '')) environmentReads.push(lineOf(node));
      }
    } else if (ts.isExportDeclaration(node)) {
      refer(node.moduleSpecifier, isTypeExport(node) ? 'type' : 'value');
      if (exportsDefault(node)) defaultExports.push(lineOf(node));
    } else if (ts.isExportAssignment(node) || isDefaultDeclaration(node)) {
      defaultExports.push(lineOf(node));
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      refer(node.argument.literal, 'type');
    } else if (ts.isCallExpression(node) && loadsModule(node)) {
      refer(node.arguments[0], 'later');
    } else if (ts.isNewExpression(node) && isScriptUrl(node)) {
      refer(node.arguments?.[0], 'later');
    } else if (readsEnvironment(node)) {
      environmentReads.push(lineOf(node));
    }
    ts.forEachChild(node, visit);
  }
  visit(source);
  return { references, defaultExports, environmentReads };
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = importClause;
  if (name || !namedBindings || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly);
}

function isTypeExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  if (isTypeOnly) return true;
  if (!exportClause || !ts.isNamedExports(exportClause)) return false;
  return exportClause.elements.length > 0 && exportClause.elements.every((element) => element.isTypeOnly);
}

function exportsDefault({ exportClause }: ts.ExportDeclaration): boolean {
  if (!exportClause) return false;
  if (ts.isNamespaceExport(exportClause)) return exportClause.name.text === 'default';
  return exportClause.elements.some((element) => element.name.text === 'default');
}

function isDefaultDeclaration(node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) && !!ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
  );
}

/** `import('x')`, `require('x')`. */
function loadsModule({ expression }: ts.CallExpression): boolean {
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === 'require')
  );
}

/** `new URL('./x.ts', import.meta.url)`: how a thread's script is named. */
function isScriptUrl({ expression, arguments: given }: ts.NewExpression): boolean {
  const [script, base] = given ?? [];
  return (
    ts.isIdentifier(expression) &&
    expression.text === 'URL' &&
    script !== undefined &&
    ts.isStringLiteralLike(script) &&
    /\.(?:ts|mjs|js)$/.test(script.text) &&
    base?.getText() === 'import.meta.url'
  );
}

/** `process.env`, `process['env']`, `const { env } = process`. */
function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env';
  if (ts.isElementAccessExpression(node)) {
    return (
      isProcess(node.expression) &&
      ts.isStringLiteralLike(node.argumentExpression) &&
      node.argumentExpression.text === 'env'
    );
  }
  if (!ts.isVariableDeclaration(node) || !node.initializer || !isProcess(node.initializer)) return false;
  return (
    ts.isObjectBindingPattern(node.name) &&
    node.name.elements.some((element) => (element.propertyName ?? element.name).getText() === 'env')
  );
}

function isProcess(node: ts.Node): boolean {
  if (ts.isIdentifier(node)) return node.text === 'process';
  return (
    ts.isPropertyAccessExpression(node) && node.name.text === 'process' && node.expression.getText() === 'globalThis'
  );
}

import { type FieldFault, type HttpProblems, Problem } from './problem.ts';
import type { RawIssue, Schema, SchemaIssue } from './route.ts';
import { jsonPointer } from '../json-pointer.ts';
import { didYouMean } from '../nearest-name.ts';

const MAX_FAULTS = 20;

const pointerTo = (path: readonly PropertyKey[]): string => jsonPointer(path.map((part) => String(part).slice(0, 200)));

interface DetailedIssue extends SchemaIssue {
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly DetailedIssue[])[];
  readonly issues?: readonly DetailedIssue[];
}

const REQUIRED = 'Required';
const UNKNOWN = 'Unknown member';

/** How far a value is from an alternative of a union: lacking what it must have says more than a wrong value does. */
const distance = (issues: readonly SchemaIssue[]) =>
  issues.reduce((sum, { message }) => sum + (message === REQUIRED ? 10 : 1), 0);

/** Of a union the alternative that fits best is explained. */
function flatten(issues: readonly DetailedIssue[], base: readonly PropertyKey[] = []): DetailedIssue[] {
  return issues.flatMap((issue): DetailedIssue[] => {
    const path = [...base, ...issue.path];
    if (issue.code === 'unrecognized_keys' && issue.keys) {
      const said = issue.message.startsWith(UNKNOWN) ? issue.message.split('\n') : [];
      return issue.keys.slice(0, MAX_FAULTS).map((key, i) => ({ path: [...path, key], message: said[i] ?? UNKNOWN }));
    }
    const branches = (issue.errors ?? []).filter((branch) => !branch.some(isWrongAtRoot));
    if (issue.code === 'invalid_union' && branches.length > 0) {
      const explained = branches.map((branch) => flatten(branch, path));
      return explained.reduce((best, branch) => (distance(branch) < distance(best) ? branch : best));
    }
    const inner = issue.code === 'invalid_key' ? issue.issues?.[0] : undefined;
    if (inner !== undefined) return [{ path, message: inner.message }];
    const missing = isWrongType(issue) && issue.message.endsWith('received undefined');
    return [{ path, message: missing ? REQUIRED : issue.message }];
  });
}

const isWrongType = (issue: SchemaIssue) => issue.code === 'invalid_type';
const isWrongAtRoot = (issue: SchemaIssue) => isWrongType(issue) && issue.path.length === 0;

export function faultsOf(issues: readonly SchemaIssue[], where: FieldFault['in']): FieldFault[] {
  return flatten(issues as readonly DetailedIssue[])
    .slice(0, MAX_FAULTS)
    .map(({ path, message }) => ({ in: where, pointer: pointerTo(path), message: message.slice(0, 500) }));
}

/** A line for each member that an object does not know, with the one that was meant; only the schema knows those. */
function unknownMembers({ code, keys, inst }: RawIssue): string | undefined {
  if (code !== 'unrecognized_keys' || keys === undefined) return undefined;
  const { shape = {} } = (inst as { readonly _zod?: { readonly def: { readonly shape?: object } } })._zod?.def ?? {};
  const names = Object.keys(shape);
  return keys
    .slice(0, MAX_FAULTS)
    .map((key) => `${UNKNOWN}${didYouMean(key, names)}`)
    .join('\n');
}

/** The fault of a member that nothing says anything of. */
export const unknownMember = (path: readonly string[], where: FieldFault['in']): FieldFault => ({
  in: where,
  pointer: pointerTo(path),
  message: UNKNOWN,
});

/** The value as its schema makes it; else a 422 that lists each fault. */
export function validate(
  schema: Schema | undefined,
  value: unknown,
  where: FieldFault['in'],
  problems: HttpProblems,
): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value, { error: unknownMembers });
  if (result.success) return result.data;
  const errors = faultsOf(result.error.issues, where);
  throw new Problem(problems['invalid-request'], { errors });
}

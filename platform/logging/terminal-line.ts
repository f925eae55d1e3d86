// A log record as a person at a terminal reads it: time, level, message, then the facts.

import { levelNumbers } from './log.ts';

export type LogRecord = Readonly<Record<string, unknown>> & { readonly level: number; readonly msg: string };

const left = new Set(['name', 'hostname', 'pid', 'level', 'msg', 'time', 'v', 'thread']);
const names = new Map<number, string>(
  Object.entries(levelNumbers).map(([name, number]) => [number, name.toUpperCase()]),
);
const colours = new Map([
  [levelNumbers.warn, '\u001B[33m'],
  [levelNumbers.error, '\u001B[31m'],
  [levelNumbers.fatal, '\u001B[31m'],
] as [number, string][]);

export function createTerminalLine(record: LogRecord): string {
  const time = new Date(record['time'] as string | Date).toTimeString().slice(0, 8);
  const level = (names.get(record.level) ?? String(record.level)).padEnd(5);
  const colour = colours.get(record.level);
  const facts = Object.entries(record).filter(([name]) => !left.has(name));
  const errors = facts.filter(([, value]) => stackOf(value) !== undefined);
  const shown = facts.map(([name, value]) => ` ${name}=${short(value)}`).join('');
  const stacks = errors.map(([, value]) => `\n    ${stackOf(value)?.replaceAll('\n', '\n    ')}`).join('');
  return `${time} ${colour ? `${colour}${level}\u001B[0m` : level} ${printable(record.msg)}${shown}${stacks}`;
}

function short(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/@+-]{1,200}$/.test(value) ? value : JSON.stringify(value.slice(0, 200));
  if (stackOf(value) !== undefined) return JSON.stringify((value as { message?: unknown }).message);
  return JSON.stringify(value).slice(0, 200);
}

function stackOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('stack' in value)) return undefined;
  return typeof value.stack === 'string' && value.stack !== '' ? printable(value.stack) : undefined;
}

/** Without control characters: what came from outside must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '�');
}

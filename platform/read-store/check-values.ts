// What a read store takes, checked alike by every adapter: it throws before anything is written.

export function toJson(value: unknown): string {
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) throw new TypeError('a value must be JSON');
  return json;
}

export function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is not a whole number`);
  return value;
}

export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new TypeError(`${value} is not a finite number`);
  return value;
}

/** About how many bytes a JSON-like value takes in memory; good enough to bound a cache. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 16 + 2 * value.length;
  if (typeof value !== 'object' || value === null) return 16;
  let size = 32;
  for (const part of Object.values(value)) size += sizeOf(part) + 16;
  return size;
}

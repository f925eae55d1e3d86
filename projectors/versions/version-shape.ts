// With which shape of a projection a version was begun: a mark beside its data, so that it is lost with it.

import type { Projection } from '#platform/projection/projection.ts';
import { versionName } from '#platform/projection/versions.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';

export const shapeMarkKey = (projection: string, version: number) =>
  `projection-shape:${versionName(projection, version)}`;

/** `older`: it must be built anew by this program. `newer`: it is for another program. */
export async function markShape(
  readStore: Pick<ReadStore, 'get' | 'put'>,
  { name, shape = 1 }: Pick<Projection, 'name' | 'shape'>,
  version: number,
): Promise<'same' | 'older' | 'newer'> {
  const key = shapeMarkKey(name, version);
  const [mark] = await readStore.get([key]);
  const marked = (mark?.value as { readonly shape?: unknown } | null | undefined)?.shape;
  if (typeof marked !== 'number') {
    await readStore.put(key, { shape });
    return 'same';
  }
  return marked === shape ? 'same' : marked < shape ? 'older' : 'newer';
}

// The mark on each index in Elasticsearch: the generation of the log that it was made from, in the name of an alias that is
// made with the index, so that neither is there without the other and no shard is needed to read it. Nobody writes or
// searches by it.

import type { estypes } from '@elastic/elasticsearch';
import type { ElasticsearchLink } from '../elasticsearch/open-elasticsearch.ts';

const CALL_MS = 30_000;

export function createIndexMarks(link: ElasticsearchLink, namespace: string) {
  // A namespace has no dot: no other installation's marks begin so.
  const prefix = `${namespace}-search.generation-`;
  const markOf = (generation: string) => prefix + generation;

  const heldBy = (aliases: Readonly<Record<string, unknown>> = {}): string | undefined =>
    Object.keys(aliases)
      .find((alias) => alias.startsWith(prefix))
      ?.slice(prefix.length);

  async function others(generation: string): Promise<{ readonly index: string; readonly held: string }[]> {
    const found = await link.persistently(
      (client, tried) => client.indices.getAlias({ name: `${prefix}*` }, { ...tried, ignore: [404] }),
      CALL_MS,
    );
    return Object.entries(found as Partial<estypes.IndicesGetAliasResponse>).flatMap(([index, state]) => {
      const held = heldBy(state?.aliases);
      return held === undefined || held === generation ? [] : [{ index, held }];
    });
  }

  return {
    markOf,
    heldBy,
    others,
    async set(index: string, generation: string): Promise<void> {
      await link.persistently(
        (client, tried) => client.indices.putAlias({ index, name: markOf(generation) }, tried),
        CALL_MS,
      );
    },
    /** One by one, each looked at just before: another process that does the same may have made it anew. */
    async removeOthers(generation: string): Promise<void> {
      for (let [first] = await others(generation); first; [first] = await others(generation)) {
        const { index } = first;
        await link.persistently(
          (client, tried) => client.indices.delete({ index }, { ...tried, ignore: [404] }),
          CALL_MS,
        );
      }
    },
  };
}

/**
 * The name of a topic on a server that several installations share: the namespace in place of the topic's first part, so
 * that `defter.models` of namespace `blue` is `blue.models`.
 */
export function physicalTopic(namespace: string, topic: string): string {
  const dot = topic.indexOf('.');
  if (dot < 1) throw new TypeError(`a topic is named <something>.<name>, unlike ${topic}`);
  return namespace + topic.slice(dot);
}

/** The name of a consumer group there. Positions in another generation of the log mean nothing in this one. */
export const physicalGroup = (namespace: string, group: string, generation: string): string =>
  `${namespace}.${group}@${generation}`;

/** `<topic>/<partition>` to a position in the log: up to there (inclusive) a group is done, or a read model shows it. */
export type Positions = ReadonlyMap<string, bigint>;

export const partitionName = (topic: string, partition: number): string => `${topic}/${partition}`;

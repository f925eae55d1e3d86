// Many partitions in one request to the broker that leads them, so that a transaction is five requests and not two for each
// partition. kafkajs must not try such a send again (#1303): it begins the next try while requests of the last are still
// under way, and keeps answers by broker and not by partition, so that a leader that moves, or two brokers of which one
// fails, lose or double records in a transaction that commits. See docs/decisions/0009.

import type { Message, PartitionerArgs, RecordMetadata } from 'kafkajs';
import { placeOf } from './kafka-leaders.ts';
import type { EncodedEvent } from './relay-target.ts';
import { NamedError } from '../errors.ts';

export type TopicMessages = readonly { readonly topic: string; readonly messages: Message[] }[];

/**
 * Bytes of a batch from which each partition has a send of its own: then two requests more weigh less than what kafkajs
 * does with large ones, which it copies into buffers that double, once for each level of the request (measured: 23 against
 * 38 µs of processor time for each of 5,000 events).
 */
const LARGE_BYTES = 1_048_576;

/**
 * One send for each leader, or where there is much to send for each partition; one for a partition without a leader, which
 * may be tried until it has one. Keeps the order of each.
 */
export function sendsOf(
  events: readonly Pick<EncodedEvent, 'topic' | 'partition' | 'message' | 'bytes'>[],
  leaders: ReadonlyMap<string, number>,
): { topic: string; messages: Message[] }[][] {
  const isLarge = events.reduce((sum, { bytes }) => sum + bytes, 0) >= LARGE_BYTES;
  const sends = Map.groupBy(events, ({ topic, partition }) => {
    const place = placeOf(topic, partition);
    return isLarge ? place : (leaders.get(place) ?? place);
  });
  return [...sends.values()].map((sent) => {
    const topics = Map.groupBy(sent, ({ topic }) => topic);
    return [...topics].map(([topic, those]) => ({ topic, messages: those.map(({ message }) => message as Message) }));
  });
}

export interface SingleTries {
  /** For the producer: what it asks of each record at each try. */
  readonly partitioner: (args: Pick<PartitionerArgs, 'message'>) => number;
  /** Rejects when a send to more than one partition would be tried a second time. One at a time. */
  readonly run: <T>(sent: TopicMessages, send: () => Promise<T>) => Promise<T>;
}

export function createSingleTries(): SingleTries {
  let watched: Message | undefined;
  let isTried = false;
  return {
    partitioner({ message }) {
      if (message === watched) {
        if (isTried) throw new SecondTry();
        isTried = true;
      }
      if (message.partition === undefined) throw new TypeError('a record names no partition');
      return message.partition;
    },
    async run(sent, send) {
      watched = placesOf(sent).size > 1 ? sent[0]?.messages[0] : undefined;
      isTried = false;
      try {
        return await send();
      } finally {
        watched = undefined;
      }
    },
  };
}

export class SecondTry extends NamedError {
  constructor() {
    super('a send to several partitions failed, and is not tried again');
  }
}

const placesOf = (sent: TopicMessages) =>
  new Set(sent.flatMap(({ topic, messages }) => messages.map(({ partition }) => placeOf(topic, partition ?? -1))));

/** Throws unless the brokers have said of each partition that was sent to, once, that it has the records. */
export function assertWritten(metadata: readonly RecordMetadata[], sent: TopicMessages): void {
  const unanswered = placesOf(sent);
  const isWritten = ({ topicName, partition, errorCode, baseOffset }: RecordMetadata) =>
    unanswered.delete(placeOf(topicName, partition)) && errorCode === 0 && Number(baseOffset ?? -1) >= 0;
  if (metadata.every(isWritten) && unanswered.size === 0) return;
  throw new Error(`a send to ${[...placesOf(sent)].join(', ')} was answered ${JSON.stringify(metadata)}`);
}

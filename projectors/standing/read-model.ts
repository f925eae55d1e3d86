import { TOPICS } from '#events/streams.ts';

/** What each request must know of tenants, keys, credentials and models, and the lists of them (events/standing.ts). */
export const STANDING = { name: 'standing', topics: [TOPICS.identity, TOPICS.models] } as const;

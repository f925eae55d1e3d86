// Content inside an event (a prompt, an answer, a name): sealed with the data key that it names itself, so that one event
// may hold a tenant's and a person's, and either in the event or, when large, in a blob that was written before it (claim
// check).

import type { FromAvro } from './avro.ts';

/** The Avro record of sealed content. Avro wants each use named. */
export function contentSchema<const Name extends string>(name: Name) {
  return {
    type: 'record',
    name,
    fields: [
      { name: 'keyId', type: 'string', doc: 'names the data key that sealed it, and so whose it is' },
      {
        name: 'sealed',
        type: ['null', 'string'],
        doc: 'base64 of the sealed JSON text, when it is small',
        default: null,
      },
      {
        name: 'blob',
        type: ['null', 'string'],
        doc: 'the name of the blob that holds it, when it is large',
        default: null,
      },
      { name: 'bytes', type: 'long', doc: 'length of the JSON text before sealing' },
    ],
  } as const;
}

/** The schema of sealed content, whatever the use's name. */
export type SealedSchema = ReturnType<typeof contentSchema>;

export type Content = FromAvro<SealedSchema>;

// Names of streams, and the Kafka topic that each kind of stream goes to.

export const tenantStream = (tenantId: string) => `tenant-${tenantId}`;
/** `digest` is the folded name's, made by the caller: stream names carry no one's text. */
export const tenantNameStream = (digest: string) => `tenantname-${digest}`;
export const apiKeyStream = (keyId: string) => `apikey-${keyId}`;
export const credentialStream = (credentialId: string) => `credential-${credentialId}`;
export const modelStream = (tenantId: string, name: string) => `model-${tenantId}-${name}`;
export const inferenceStream = (inferenceId: string) => `inference-${inferenceId}`;
/** Of a projection's name, or of a group of workers: what operators did with it. */
export const projectionStream = (name: string) => `projection-${name}`;

/** What stands before the first dash: the kind of thing that the stream is the history of. */
export const categoryOf = (stream: string) => stream.slice(0, Math.max(0, stream.indexOf('-')));

/** What stands after the first dash. */
export const subjectOf = (stream: string) => stream.slice(stream.indexOf('-') + 1);

export const TOPICS = {
  identity: 'defter.identity',
  models: 'defter.models',
  inference: 'defter.inference',
  operations: 'defter.operations',
} as const;

const TOPIC_OF: Readonly<Record<string, string>> = {
  tenant: TOPICS.identity,
  tenantname: TOPICS.identity,
  apikey: TOPICS.identity,
  credential: TOPICS.identity,
  model: TOPICS.models,
  inference: TOPICS.inference,
  projection: TOPICS.operations,
};

/** The topic of a stream's events; undefined for a category that this program does not know. */
export const topicOf = (stream: string): string | undefined => TOPIC_OF[categoryOf(stream)];

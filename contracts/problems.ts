// Every problem that the product answers with: its code, status and title. `type` is `/problems/<code>`, a path on the
// server itself (RFC 9457 section 3.1.1), so it depends on no host name.

const table = {
  'malformed-url': [400, 'The URL cannot be read'],
  'malformed-header': [400, 'A header cannot be read'],
  'malformed-json': [400, 'The body is not JSON'],
  'body-missing': [400, 'The body is missing'],
  unauthorized: [401, 'A valid credential is required'],
  'invalid-credentials': [401, 'The e-mail or the password is wrong'],
  'session-ended': [401, 'The session has ended'],
  forbidden: [403, 'Not permitted'],
  'tenant-suspended': [403, 'The tenant is suspended'],
  'password-change-required': [403, 'A new password must be set first'],
  'not-found': [404, 'Not found'],
  'model-not-found': [404, 'No such model'],
  'method-not-allowed': [405, 'Method not allowed'],
  'request-timeout': [408, 'The request took too long to arrive'],
  conflict: [409, 'Conflict'],
  'name-taken': [409, 'The name is taken'],
  'email-taken': [409, 'The e-mail address is taken'],
  'already-member': [409, 'Already a member'],
  'account-exists': [409, 'There is an account already'],
  'last-admin': [409, 'The last administrator'],
  'is-platform-admin': [409, 'A platform administrator'],
  'granted-to-all': [409, 'It is granted to all tenants'],
  'already-finished': [409, 'Already finished'],
  'rebuild-under-way': [409, 'The projection is being rebuilt already'],
  'no-version-kept': [409, 'There is no version to go back to'],
  'token-spent': [410, 'The link is no longer good'],
  'revision-mismatch': [412, 'The revision has changed'],
  'body-too-large': [413, 'The body is too large'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  misdirected: [421, 'This service does not answer such requests'],
  'invalid-request': [422, 'The request is not valid'],
  'input-too-long': [422, 'The input is too long for the model'],
  'invalid-consistency-token': [422, 'The consistency token is not valid'],
  'idempotency-key-reused': [422, 'The Idempotency-Key was used for another request'],
  'unsupported-by-model': [422, 'The model cannot do this'],
  'too-many-requests': [429, 'Too many requests'],
  'internal-server-error': [500, 'Internal Server Error'],
  unavailable: [503, 'Temporarily unavailable'],
  overloaded: [503, 'Overloaded'],
  'not-caught-up': [503, 'The read model has not caught up with what was asked for'],
  'search-timed-out': [503, 'The search took too long'],
  'projection-parked': [503, 'The read model of this object is parked'],
} as const satisfies Readonly<Record<string, readonly [status: number, title: string]>>;

export type ProblemCode = keyof typeof table;

export interface ProblemEntry {
  readonly code: ProblemCode;
  readonly status: number;
  readonly title: string;
}

export const problems = Object.fromEntries(
  Object.entries(table).map(([code, [status, title]]) => [code, { code, status, title }]),
) as unknown as Readonly<Record<ProblemCode, ProblemEntry>>;

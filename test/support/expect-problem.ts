import { expect } from 'chai';
import type { ApiAnswer } from './api-client.ts';

interface ProblemBody {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly in: string; readonly pointer: string; readonly message: string }[];
}

/**
 * The answer is a problem+json of this status and code, says why in words, and, where a pointer is given, names the
 * field. Answers the body.
 */
export function expectProblem(answer: ApiAnswer<unknown>, status: number, code: string, pointer?: string): ProblemBody {
  const body = answer.body as ProblemBody;
  expect(answer.status, JSON.stringify(body)).to.equal(status);
  expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
  expect(body).to.include({ code, status });
  expect(body.title).to.be.a('string').and.not.equal('');
  expect(body).to.include.keys('type', 'instance', 'requestId');
  expect(body.detail ?? body.title)
    .to.be.a('string')
    .and.not.equal('');
  if (pointer !== undefined) {
    expect(body.errors?.map((fault) => fault.pointer)).to.include(pointer);
    for (const { message } of body.errors ?? []) expect(message).not.to.equal('');
  }
  return body;
}

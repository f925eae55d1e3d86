// The program that hashes passwords (see passwords.ts). It ends with the channel to the process that started it, however
// that one ends.

import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import argon2 from 'argon2';
import { asError } from '../errors.ts';
import { lowerProcessPriority } from '../threads/lower-priority.ts';
import { isCommonPassword } from './password-policy.ts';

export type PasswordTask =
  | { readonly kind: 'hash'; readonly password: string }
  | { readonly kind: 'verify'; readonly password: string; readonly hash: string | undefined }
  | { readonly kind: 'isCommon'; readonly password: string; readonly email: string | undefined };

export type PasswordRequest = PasswordTask & { readonly id: number };

type PasswordResult =
  | { readonly kind: 'hash'; readonly hash: string }
  | { readonly kind: 'verify'; readonly right: boolean; readonly stale: boolean }
  | { readonly kind: 'isCommon'; readonly common: boolean }
  | { readonly kind: 'failed'; readonly reason: string };

export type PasswordReply = PasswordResult & { readonly id: number };

/** OWASP's first choice for argon2id (Password Storage Cheat Sheet): 46 MiB, one pass, one lane; about 60 ms here. */
const PARAMETERS = { memoryCost: 47_104, timeCost: 1, parallelism: 1 } as const;

/** What the password of nobody is held against. */
let decoy: Promise<string> | undefined;

async function perform(task: PasswordTask): Promise<PasswordResult> {
  const { kind, password } = task;
  switch (kind) {
    case 'hash':
      return { kind, hash: await argon2.hash(password, PARAMETERS) };
    case 'verify': {
      const hash = task.hash ?? (await (decoy ??= argon2.hash('nobody', PARAMETERS)));
      const right = await argon2.verify(hash, password);
      return { kind, right: right && task.hash !== undefined, stale: argon2.needsRehash(hash, PARAMETERS) };
    }
    case 'isCommon':
      return { kind, common: isCommonPassword(password, task.email, triedFirst) };
  }
}

const triedFirst = {
  commonest: new Set(dictionary['passwords-common']),
  keyboards: [adjacencyGraphs.qwerty, adjacencyGraphs.qwertz, adjacencyGraphs.azerty],
};

lowerProcessPriority();
process.on('message', (request: PasswordRequest) => void answer(request));
process.on('disconnect', () => process.exit());

async function answer(request: PasswordRequest): Promise<void> {
  const result = await perform(request).catch((error: unknown): PasswordResult => ({
    kind: 'failed',
    reason: asError(error).message,
  }));
  if (process.connected) process.send?.({ ...result, id: request.id } satisfies PasswordReply);
}

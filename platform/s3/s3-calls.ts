// Every call to an S3 server goes through here: its deadlines, retries and back-off in one place. The SDK's own retries
// are off, for they hide whether an earlier attempt may have happened.

import { S3Client } from '@aws-sdk/client-s3';
import { backOff } from '../patience/back-off.ts';
import { Interrupted, persist } from '../patience/persist.ts';
import { asError, codeOf } from '../errors.ts';
import { answeredBy, isTransientS3Error, S3Refused, S3Unavailable } from './s3-errors.ts';

const CONNECT_MS = 2_000;
/** An attempt is cut off when nothing has moved for so long, and for each MiB sent at once so much longer. */
const SILENCE_MS = 5_000;
const SILENCE_MS_PER_MIB = 1_000;
/** No attempt begins later than this after the first. */
const BEGIN_WITHIN_MS = 15_000;
const BACK_OFF = { first: 50, most: 1_000 } as const;
const MOST_CONNECTIONS = 64;

export interface S3Server {
  /** `http://` or `https://`, with its port. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3Attempt {
  readonly client: S3Client;
  /** To be given to each command: it also ends the reading of a body. */
  readonly abortSignal: AbortSignal;
  /** From 1. Beyond it, one before may have happened without our knowing. */
  readonly number: number;
  /** To be called when bytes have arrived; puts the deadline off. */
  readonly progress: () => void;
}

export interface S3Calls {
  readonly endpoint: string;
  /**
   * Runs `work` until it succeeds. Rejects with `S3Unavailable` when that takes too long, with `S3Refused` when the server
   * refuses (`expected` lets an answer through as it is), and with an error that is not the server's as it is.
   * `bytes`: how many an attempt sends.
   */
  call<T>(
    what: string,
    work: (attempt: S3Attempt) => Promise<T>,
    rest?: { readonly bytes?: number; readonly expected?: (error: unknown) => boolean; readonly attempts?: number },
  ): Promise<T>;
  /** Ends what is under way with `S3Unavailable`. */
  close(): void;
}

/** One sentence's end: why a call failed. */
export function reasonOf(error: unknown): string {
  const { status, code } = answeredBy(error);
  const message = asError(error).message.split('\n')[0] ?? '';
  if (status === undefined) return message || codeOf(error) || code;
  if (status < 300) return `it answers ${status} with what is no answer of an S3 server`;
  return `${status} ${code}${message && message !== code ? `: ${message}` : ''}`;
}

export function openS3Calls(server: S3Server): S3Calls {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    disableMultiregionAccessPoints: true,
    disableS3ExpressSessionAuth: true,
    // Checksums that only newer servers know would make others refuse; what is stored says itself whether it is whole.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      httpAgent: { keepAlive: true, maxSockets: MOST_CONNECTIONS },
      httpsAgent: { keepAlive: true, maxSockets: MOST_CONNECTIONS },
    },
  });
  const closing = new AbortController();

  async function attempt<T>(work: (attempt: S3Attempt) => Promise<T>, number: number, bytes: number): Promise<T> {
    const controller = new AbortController();
    const abort = () => controller.abort();
    const silence = SILENCE_MS + (bytes / 2 ** 20) * SILENCE_MS_PER_MIB;
    const deadline = setTimeout(abort, silence);
    closing.signal.addEventListener('abort', abort, { once: true });
    try {
      return await work({ client, abortSignal: controller.signal, number, progress: () => deadline.refresh() });
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      const why = closing.signal.aborted ? 'it was closed' : `no answer within ${Math.round(silence / 1_000)} s`;
      throw new S3Unavailable(why, { cause: error });
    } finally {
      clearTimeout(deadline);
      closing.signal.removeEventListener('abort', abort);
    }
  }

  return {
    endpoint,
    async call(what, work, { bytes = 0, expected = () => false, attempts = Infinity } = {}) {
      try {
        return await persist(
          (number) => attempt(work, number, bytes),
          closing.signal,
          () => undefined,
          {
            isHopeless: (error) => expected(error) || !isTransientS3Error(error),
            waitMs: (failures) => backOff(failures, BACK_OFF.first, BACK_OFF.most),
            until: performance.now() + BEGIN_WITHIN_MS,
            attempts,
          },
        );
      } catch (error) {
        if (expected(error)) throw error;
        const isTransient = error instanceof Interrupted || isTransientS3Error(error);
        if (!isTransient && answeredBy(error).status === undefined) throw error;
        const Kind = isTransient ? S3Unavailable : S3Refused;
        const verb = isTransient ? 'fails' : 'refuses';
        throw new Kind(`S3 at ${endpoint} ${verb} ${what}: ${reasonOf(error)}`, { cause: error });
      }
    },
    close() {
      closing.abort();
      client.destroy();
    },
  };
}

// The part of autocannon that the benchmarks use; the package has no types.
declare module 'autocannon' {
  interface Options {
    readonly url: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly connections?: number;
    readonly pipelining?: number;
    /** Seconds. */
    readonly duration?: number;
    readonly amount?: number;
    /** Requests a second, of all connections together; as fast as they are answered unless named. */
    readonly overallRate?: number;
    /** Sent in turn, by each connection, in the place of the one above. */
    readonly requests?: readonly {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }[];
  }
  interface Result {
    readonly requests: { readonly average: number; readonly total: number };
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
    readonly non2xx: number;
    readonly errors: number;
    readonly timeouts: number;
    readonly '2xx': number;
    /** Seconds. */
    readonly duration: number;
  }
  /** Ends it early; what there was until then is the result. */
  interface Running extends Promise<Result> {
    stop(): void;
  }
  export default function autocannon(options: Options): Running;
}

// The port that counts tries at opening something (an account) from somewhere (an address). A try is counted before it is
// made, so that many at once are not more than many in a row; one that succeeds is taken back, with those before it.
// Not in it: what is tried, and what is told to whom is refused. What an engine forgot counts as never tried.

export interface AttemptRules {
  /** Failures of one account from one address, within this time, that lock that address out of it for `lockMs`. */
  readonly mostFromAddress: number;
  readonly addressWindowMs: number;
  readonly lockMs: number;
  /** Failures of one account from anywhere within this time, after which it must wait for the time's end. */
  readonly mostOfAccount: number;
  readonly accountWindowMs: number;
}

export const SIGN_IN_RULES: AttemptRules = {
  mostFromAddress: 10,
  addressWindowMs: 15 * 60_000,
  lockMs: 15 * 60_000,
  mostOfAccount: 100,
  accountWindowMs: 60 * 60_000,
};

/** `nth`: which in a row from this address, from 1. */
export type Attempt =
  { readonly admitted: true; readonly nth: number } | { readonly admitted: false; readonly retryAfterMs: number };

export interface Attempts {
  /** Counts a try, unless the address is locked out or the account has to wait. */
  begin(account: string, address: string): Promise<Attempt>;
  /** The `nth` try has failed. True for the one by which the address is locked out, from now on for `lockMs`. */
  failed(account: string, address: string, nth: number): Promise<boolean>;
  /** Takes back what was counted from this address. */
  succeeded(account: string, address: string): Promise<void>;
  health?(): Promise<void>;
  close(): Promise<void>;
}

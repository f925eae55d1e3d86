import type { Access } from './access.ts';
import type { FaultPlan } from './fault-plan.ts';
import type { StandInLog } from './log.ts';

export interface StandIn {
  readonly log: StandInLog;
  readonly plan: FaultPlan;
  readonly access: Access;
  readonly maxAppendSize: number;
  readonly counts: { append: number; batchAppend: number; read: number; subscribe: number };
  /** Ends each open subscription. */
  readonly subscriptions: Set<(how: 'error' | 'end') => void>;
  readonly cutConnections: () => void;
}

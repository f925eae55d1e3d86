import type { Admin, Kafka } from 'kafkajs';

export interface LastingAdmin {
  /** Runs `work` with a connected client. After a failure the next call gets a new one. */
  use<T>(work: (admin: Admin) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Client {
  readonly admin: Promise<Admin>;
  readonly calls: Set<Promise<unknown>>;
}

/** kafkajs's admin client for a long life: one that has failed may not find its way back to a broker that moved. */
export function openLastingAdmin(kafka: Kafka): LastingAdmin {
  let present: Client | undefined;
  let closed = false;

  async function open(): Promise<Admin> {
    const admin = kafka.admin({ retry: { retries: 3 } });
    await admin.connect();
    return admin;
  }

  /** Twice, for a call under way that kafkajs tries again connects anew. Why the client failed, its caller is told. */
  async function retire({ admin, calls }: Client): Promise<void> {
    const disconnect = () => admin.then((client) => client.disconnect()).catch(() => undefined);
    await disconnect();
    if (calls.size > 0) void Promise.allSettled(calls).then(disconnect);
  }

  return {
    async use(work) {
      if (closed) throw new Error('the Kafka client is closed');
      const mine = (present ??= { admin: open(), calls: new Set() });
      const call = mine.admin.then(work);
      mine.calls.add(call);
      try {
        return await call;
      } catch (err) {
        if (present === mine) present = undefined;
        mine.calls.delete(call);
        void retire(mine);
        throw err;
      } finally {
        mine.calls.delete(call);
      }
    },
    async close() {
      closed = true;
      if (present) await retire(present);
    },
  };
}

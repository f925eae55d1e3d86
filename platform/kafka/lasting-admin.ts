import type { Admin, Kafka } from 'kafkajs';

export interface LastingAdmin {
  /** Runs `work` with a connected client. After a failure the next call gets a new one. */
  use<T>(work: (admin: Admin) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** kafkajs's admin client for a long life: one that has failed may not find its way back to a broker that moved. */
export function createLastingAdmin(kafka: Kafka): LastingAdmin {
  let present: Promise<Admin> | undefined;
  let closed = false;

  async function open(): Promise<Admin> {
    const admin = kafka.admin({ retry: { retries: 3 } });
    await admin.connect();
    return admin;
  }

  return {
    async use(work) {
      if (closed) throw new Error('the Kafka client is closed');
      const mine = (present ??= open());
      try {
        return await work(await mine);
      } catch (err) {
        if (present === mine) present = undefined;
        void mine.then((admin) => admin.disconnect()).catch(() => undefined); // why it failed is told by `err`
        throw err;
      }
    },
    async close() {
      closed = true;
      await present?.then((admin) => admin.disconnect()).catch(() => undefined);
    },
  };
}

// The relay under everything that can befall it: killed, frozen, replaced, its broker killed under it. Afterwards Kafka,
// read committed, equals the log (I3). RELAY_SEED repeats a run's choices (not its timing), RELAY_ROUNDS makes it longer.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { seededRandom } from '#platform/bus/adversarial-order.ts';
import { describeOn } from '../services/describe-on.ts';
import { kafkaRecipe } from '../services/kafka/recipe.ts';
import { serviceCache } from '../services/service-cache.ts';
import type { RunningService } from '../services/service.ts';
import { eventually } from '../support/eventually.ts';
import { relayServers, type RelayServers } from '../support/relay-kafka.ts';
import { openRelayRun, type RelayRun } from '../support/relay-run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SEED = Number(process.env['RELAY_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const ROUNDS = Number(process.env['RELAY_ROUNDS'] ?? 1);
/**
 * What the product promises. Most of it is the broker's session timeout (6 s, the least that brokers allow by default):
 * only then does it give a killed member's partition to another.
 */
const GOES_ON_WITHIN_MS = 10_000;
/** From when the broker answers: it still has to load its groups and transactions, and to end an open one (15 s at most). */
const BACK_WITHIN_MS = 20_000;

describeOn(
  ['kafka', 'schema-registry'],
  `the relay under faults (RELAY_SEED=${SEED} RELAY_ROUNDS=${ROUNDS})`,
  (env) => {
    const random = seededRandom(SEED);
    let run: RelayRun | undefined;

    const openRun = async (servers: RelayServers = relayServers(env)): Promise<RelayRun> =>
      (run = await openRelayRun({ servers, seed: Math.floor(random() * 1e9), perSecond: 150 }));

    afterEach(async function () {
      this.timeout(20_000);
      await run?.close();
      run = undefined;
    });

    async function expectEqual(judged: RelayRun): Promise<void> {
      const { violations, events, checkpoints } = await judged.judge();
      console.log(`      ${events} events in ${checkpoints} transactions`);
      expect(violations.slice(0, 20)).to.deep.equal([]);
      expect(events).to.be.above(100);
    }

    it('works in one of two, and goes on when one replaces the other under load', async function () {
      this.timeout(120_000);
      const rolling = await openRun();
      rolling.start();
      rolling.start();
      for (let round = 0; round < ROUNDS; round++) {
        const old = await rolling.worker();
        rolling.start();
        await sleep(random() * 500);
        const since = performance.now();
        await old.end('SIGTERM');
        const took = await rolling.goesOn(() => rolling.relays(), since, GOES_ON_WITHIN_MS);
        console.log(`      replaced in ${Math.round(took)} ms`);
      }
      await expectEqual(rolling);
    });

    it(`goes on within ${GOES_ON_WITHIN_MS / 1_000} s when it is killed at any moment`, async function () {
      this.timeout(60_000 + ROUNDS * 40_000);
      const killed = await openRun();
      killed.start();
      killed.start();
      for (let round = 0; round < ROUNDS; round++) {
        const worker = await killed.worker();
        await sleep(random() * 300);
        const since = performance.now();
        await worker.end('SIGKILL');
        const took = await killed.goesOn(() => killed.relays(), since, GOES_ON_WITHIN_MS);
        console.log(`      went on ${Math.round(took)} ms after the kill`);
        killed.start();
      }
      await expectEqual(killed);
    });

    it('is fenced when it wakes up after another took over', async function () {
      this.timeout(60_000 + ROUNDS * 40_000);
      const frozen = await openRun();
      frozen.start();
      frozen.start();
      for (let round = 0; round < ROUNDS; round++) {
        const zombie = await frozen.worker();
        await sleep(random() * 100);
        const since = performance.now();
        zombie.signal('SIGSTOP');
        const others = () => frozen.relays().filter((relay) => relay !== zombie);
        const took = await frozen.goesOn(others, since, GOES_ON_WITHIN_MS);
        console.log(`      went on ${Math.round(took)} ms after the freeze`);
        await sleep(random() * 1_000);
        zombie.signal('SIGCONT');
        await eventually(() => expect(zombie.state()).to.equal('waiting'), 20_000);
        const worker = await frozen.worker();
        expect(worker).to.not.equal(zombie);
        await frozen.goesOn(() => [worker], performance.now(), GOES_ON_WITHIN_MS);
      }
      await expectEqual(frozen);
    });

    describe('with a broker of its own', () => {
      let kafka: RunningService;
      let folder: Awaited<ReturnType<typeof temporaryFolder>> | undefined;

      before(async function () {
        this.timeout(300_000);
        const cache = serviceCache();
        await kafkaRecipe.install(cache);
        folder = await temporaryFolder();
        kafka = await kafkaRecipe.start({ cache, folder: folder.path });
      });

      after(async () => {
        await kafka?.stop();
        await folder?.remove();
      });

      it('goes on when the broker is killed under it', async function () {
        this.timeout(60_000 + ROUNDS * 40_000);
        const shaken = await openRun(relayServers({ ...env, ...kafka.environment }));
        shaken.start();
        shaken.start();
        for (let round = 0; round < ROUNDS; round++) {
          await shaken.worker();
          await shaken.goesOn(() => shaken.relays(), performance.now(), GOES_ON_WITHIN_MS);
          await sleep(random() * 300);
          await kafka.kill9();
          await sleep(random() * 2_000);
          await kafka.restart();
          const since = performance.now();
          const took = await shaken.goesOn(() => shaken.relays(), since, BACK_WITHIN_MS);
          console.log(`      went on ${Math.round(took)} ms after the broker was back`);
        }
        await expectEqual(shaken);
      });
    });
  },
);

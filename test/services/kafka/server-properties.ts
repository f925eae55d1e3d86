export interface ServerPropertiesOptions {
  readonly port: number;
  readonly controllerPort: number;
  /** More listeners, each with the port of 127.0.0.1 that its clients are told to connect to. */
  readonly doors?: readonly KafkaDoor[];
}

export interface KafkaDoor {
  readonly port: number;
  readonly advertised: number;
}

const each = (doors: readonly KafkaDoor[], text: (n: number, door: KafkaDoor) => string) =>
  doors.map((door, n) => text(n, door)).join('');

/** Settings that keep tests quick and honest; each default that was changed says why. */
export const serverProperties = ({ port, controllerPort, doors = [] }: ServerPropertiesOptions) => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${each(doors, (n, door) => `,DOOR${n}://127.0.0.1:${door.port}`)}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}${each(doors, (n, door) => `,DOOR${n}://127.0.0.1:${door.advertised}`)}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${each(doors, (n) => `,DOOR${n}:PLAINTEXT`)}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=data
# a topic that migrate did not make must not appear by itself
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
# how soon a transaction past its timeout is aborted, and stops holding read-committed readers: 10 s by default
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# after kill -9 the controller refuses the restarted broker until the old session ends: 9 s by default
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
`;

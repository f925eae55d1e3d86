import { expect } from 'chai';
import { parseConfig } from '#platform/config.ts';
import { type EventStoreAddress, parseEventStoreUrl, printServers } from '#platform/config/event-store-url.ts';
import { eventStoreAt } from '../support/event-store-at.ts';

/** How people write it, and what it is read as; credentials are `user:password`. */
const taken: readonly (readonly [url: string, servers: string, credentials?: string])[] = [
  ['esdb://localhost', 'esdb://localhost:2113'],
  ['esdb://localhost:2114?tls=false', 'esdb://localhost:2114'],
  [' esdb://localhost:2113/?tls=false ', 'esdb://localhost:2113'],
  ['esdb://a:2113,b:2113,c:2113?tls=true', 'esdb://a:2113,b:2113,c:2113'],
  ['esdb://admin:changeit@a,b:1,c?tls=true', 'esdb://a:2113,b:1,c:2113', 'admin:changeit'],
  ['esdb+discover://cluster.dns.name:2113', 'esdb+discover://cluster.dns.name:2113'],
  ['esdb+discover://admin:changeit@cluster', 'esdb+discover://cluster:2113', 'admin:changeit'],
  ['esdb://someone:p%40ss%3F%2F%25@host', 'esdb://host:2113', 'someone:p@ss?/%'],
  ['esdb://someone:p@ss:w/ord#1@host', 'esdb://host:2113', 'someone:p@ss:w/ord#1'],
  ['esdb://[::1]:2113?tls=false', 'esdb://[::1]:2113'],
  ['esdb://localhost?nodePreference=leader&tlsVerifyCert=true&throwOnAppendFailure=true', 'esdb://localhost:2113'],
];

const server = 'must name its servers as host:2113, several with commas between';
const credentials = 'must have user:password before its @, percent-encoded';
const encoded = 'must have : / ? # @ & and % of its password and options percent-encoded';
const noEffect = (option: string, reason: string) => `names the option ${option}, which has no effect: ${reason}`;
const verified =
  "certificates are always verified; name the authority's with tlsCAFile, or turn TLS off with tls=false";

/** What is refused, and what is said of it behind the setting's name. */
const refused: readonly (readonly [url: string, ...faults: string[]])[] = [
  ['localhost:2113', 'must begin with esdb:// or esdb+discover://'],
  ['http://user:secret@host:2113', 'must begin with esdb:// or esdb+discover://'],
  ['kurrentdb://a', 'must begin with esdb:// in place of kurrentdb://: the same servers answer to it'],
  [
    'kurrentdb+discover://user:secret@a',
    'must begin with esdb:// in place of kurrentdb+discover://: the same servers answer to it',
  ],
  ['esdb://', server],
  ['esdb://user:secret@', server],
  ['esdb://user:secret@host:port', server],
  ['esdb://host:65536', server],
  ['esdb://a:2113,,b:2113', server],
  ['esdb://secret@host', credentials],
  ['esdb://user:@host', credentials],
  ['esdb://user:secret%@host', credentials],
  ['esdb://user:sec?ret@host', encoded],
  ['esdb://user:sec?ret@host?tls=true', encoded],
  ['esdb+discover://a,b', 'must name one host behind esdb+discover://, or several behind esdb://'],
  [
    'esdb://a?nodePreferense=leader',
    'names the option nodePreferense, which there is not (did you mean nodePreference?)',
  ],
  ['esdb://a?secret', 'names the option secret, which there is not'],
  ['esdb://a?1secret=2', 'names an option that there is not'],
  ['esdb://a?tlsVerifyCert=false', noEffect('tlsVerifyCert', verified)],
  ['esdb://a?nodePreference=follower', noEffect('nodePreference', 'Defter reads and writes at the leader')],
  ['esdb://a?throwOnAppendFailure=false', noEffect('throwOnAppendFailure', 'Defter makes its appends itself')],
  ['esdb://a?defaultDeadline=1000', noEffect('defaultDeadline', 'Defter has deadlines of its own')],
  ['esdb://a?tls=true&TLS=false&keepAliveTimeout=1', 'names the option tls more than once'],
  ['esdb://a?tls=no', 'names the option tls, which must be true or false'],
  ['esdb://a?tlsCAFile=', 'names the option tlsCAFile, which must not be empty'],
  ['esdb://a?gossipTimeout=5s', 'names the option gossipTimeout, which must be a whole number, at least 1'],
  ['esdb://a?userCertFile=me.pem', 'must name userCertFile and userKeyFile together'],
  [
    'esdb://?tls=1&tsl=true',
    'names the option tls, which must be true or false',
    'names the option tsl, which there is not',
    server,
  ],
];

const printCredentials = ({ credentials }: EventStoreAddress) =>
  credentials && `${credentials.username}:${credentials.password}`;

describe('EVENTSTORE_URL', () => {
  for (const [url, servers, credentials] of taken) {
    it(`may be ${url}`, () => {
      const address = eventStoreAt(url);
      expect(printServers(address)).to.equal(servers);
      expect(printCredentials(address)).to.equal(credentials);
    });
  }

  it('takes options whatever their case, with - and _ or without, and as they are meant', () => {
    const { options } = eventStoreAt(
      'esdb://a?TLS=true&tls-ca-file=%2Fa%20b%26c%2Bd.pem&keep_alive_interval=-1&keepAliveTimeout=5000&connectionName=me',
    );
    expect(options).to.deep.equal({
      tls: true,
      tlsCAFile: '/a b&c+d.pem',
      keepAliveInterval: -1,
      keepAliveTimeout: 5_000,
      connectionName: 'me',
    });
  });

  for (const [url, ...faults] of refused) {
    it(`may not be ${url}, and says why`, () => {
      expect(parseEventStoreUrl(url)).to.deep.equal({ ok: false, faults });
    });
  }

  it('is refused at start by a sentence for each fault that quotes no value', () => {
    const result = parseConfig({ EVENTSTORE_URL: 'esdb://user:hunter2@h?nodePreferense=hunter2&tls=hunter2' });
    expect(result).to.deep.equal({
      ok: false,
      faults: [
        'EVENTSTORE_URL names the option tls, which must be true or false.',
        'EVENTSTORE_URL names the option nodePreferense, which there is not (did you mean nodePreference?).',
      ],
    });
  });
});

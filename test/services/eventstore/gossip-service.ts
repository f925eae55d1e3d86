// The Gossip service of the stand-in, by which a client finds a cluster's leader: it is one, of a cluster of one.

import { randomUUID } from 'node:crypto';
import type { sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import type { ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';

/** 100 ns since 1970. */
const startedAt = String(BigInt(Date.now()) * 10_000n);
const instance = new shared.UUID().setString(randomUUID());

export function createGossipService(address: string, port: number): UntypedServiceImplementation {
  const member = new gossip.MemberInfo()
    .setInstanceId(instance)
    .setTimeStamp(startedAt)
    .setState(gossip.MemberInfo.VNodeState.LEADER)
    .setIsAlive(true)
    .setHttpEndPoint(new gossip.EndPoint().setAddress(address).setPort(port));
  return {
    read(_: unknown, answer: sendUnaryData<ClusterInfo>) {
      answer(null, new gossip.ClusterInfo().setMembersList([member]));
    },
  };
}

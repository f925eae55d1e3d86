// Gives the one partition to the member that has it already, so that a relay that joins does not take the work from the one
// that does it. Each member says in its metadata when it was last told that it is the one: after a freeze or a partition
// two may think so, and the later one is right.

import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;

/** `assignedAt` answers milliseconds since the epoch, 0 for a member that does not have the partition. */
export const createIncumbentAssigner =
  (assignedAt: () => number): PartitionAssigner =>
  () => ({
    name: 'defter-incumbent',
    version: 1,
    protocol: ({ topics }) => ({
      name: 'defter-incumbent',
      metadata: MemberMetadata.encode({ version: 1, topics, userData: Buffer.from(String(assignedAt())) }),
    }),
    assign: async ({ members, topics }) => {
      const ranked = members
        .map(({ memberId, memberMetadata }) => ({ memberId, at: readAssignedAt(memberMetadata) }))
        .sort((a, b) => b.at - a.at || (a.memberId < b.memberId ? -1 : 1));
      return ranked.map(({ memberId }, rank) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: 1,
          assignment: rank === 0 ? Object.fromEntries(topics.map((topic) => [topic, [0]])) : {},
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });

function readAssignedAt(metadata: Buffer): number {
  const at = Number(MemberMetadata.decode(metadata)?.userData.toString());
  return Number.isFinite(at) ? at : 0;
}

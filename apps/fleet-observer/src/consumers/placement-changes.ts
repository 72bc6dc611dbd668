import type { Messaging } from '@fairlead/messaging';

/** Wakes the observation when shards or the placement map change. What a message says does not matter: the round reads it all. */
export function consumePlacementChanges(messaging: Messaging, wake: () => void): { stop(): Promise<void> } {
  const { eventsOf } = messaging.topology.subjects;
  return messaging.consume({
    name: 'fleet-observer',
    stream: 'evt',
    filters: [eventsOf('placement_map'), eventsOf('shard')],
    handler: () => {
      wake();
      return Promise.resolve();
    },
  });
}

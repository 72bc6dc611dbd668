import type { Messaging } from '@fairlead/messaging';
import { watchPlacement as watchOn, type PlacementSnapshot, type PlacementWatch } from '@fairlead/placement-reader';
import type { Logger } from '@fairlead/telemetry';

/** Follows the placement bucket over a service's connection; see libs/placement-reader. */
export function watchPlacement(options: {
  messaging: Messaging;
  logger: Logger;
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
}): PlacementWatch {
  const { messaging, logger, onSnapshot } = options;
  const { buckets, subjects } = messaging.topology;
  const reader = watchOn({
    connection: () => messaging.connection,
    names: { bucket: buckets.placement.name, increments: subjects.placementIncrements },
    logger,
    onSnapshot,
  });
  const removeHook = messaging.onConnect(() => {
    reader.look();
    return Promise.resolve();
  });
  return {
    current: () => reader.current(),
    stop() {
      removeHook();
      return reader.stop();
    },
  };
}

import type { Messaging } from '@fairlead/messaging';
import {
  watchPlacement as watchOn,
  type PlacementNames,
  type PlacementReader,
  type PlacementSnapshot,
  type PlacementWatch,
} from '@fairlead/placement-reader';
import type { Logger } from '@fairlead/telemetry';

/** Follows the placement bucket over a service's connection; see libs/placement-reader. */
export function watchPlacement(options: {
  messaging: Messaging;
  logger: Logger;
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
}): PlacementWatch {
  const { messaging, logger, onSnapshot } = options;
  return lookingOn(messaging, (place) => watchOn({ ...place, logger, onSnapshot }));
}

/** A reader over a service's connection, which looks at once when that comes back. */
export function lookingOn(
  messaging: Messaging,
  start: (place: { connection: () => Messaging['connection']; names: PlacementNames }) => PlacementReader,
): PlacementWatch {
  const { buckets, subjects } = messaging.topology;
  const names = { bucket: buckets.placement.name, increments: subjects.placementIncrements };
  const reader = start({ connection: () => messaging.connection, names });
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

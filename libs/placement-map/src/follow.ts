import type { Messaging } from '@fairlead/messaging';
import { followPlacement as followOn, type PlacementSnapshot, type PlacementWatch } from '@fairlead/placement-reader';
import type { Logger } from '@fairlead/telemetry';
import { lookingOn } from './watch.js';

/** Follows placement over a service's connection, and until KV gives one from files when a folder is named; see libs/placement-reader. */
export function followPlacement(options: {
  messaging: Messaging;
  logger: Logger;
  filesDir?: string;
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
}): PlacementWatch {
  const { messaging, logger, filesDir, onSnapshot } = options;
  return lookingOn(messaging, (place) => followOn({ ...place, logger, filesDir, onSnapshot }));
}

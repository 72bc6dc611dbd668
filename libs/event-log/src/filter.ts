import type { StoredEvent } from './types.js';

/** Which events a reader wants; what is left out matches all. */
export interface EventFilter {
  /** Of one of these types. The database looks for it, as for the id: cheaper than `matches`. */
  readonly aggregateTypes?: readonly string[];
  readonly aggregateId?: string;
  /** Anything else; called once per event and reader, so it should be quick. */
  matches?(this: void, event: StoredEvent): boolean;
}

/** True for an event that the reader wants. */
export function isWanted(filter: EventFilter, event: StoredEvent): boolean {
  return (
    (filter.aggregateId === undefined || filter.aggregateId === event.aggregateId) &&
    (filter.aggregateTypes === undefined || filter.aggregateTypes.includes(event.aggregateType)) &&
    (filter.matches === undefined || filter.matches(event))
  );
}

/**
 * Computes a form of an event once, however many readers ask: its JSON, say. Events that come from one follower are
 * the same objects to all its subscribers.
 */
export function oncePerEvent<T extends object | string | number>(make: (event: StoredEvent) => T): (event: StoredEvent) => T {
  const made = new WeakMap<StoredEvent, T>();
  return (event) => {
    let form = made.get(event);
    if (form === undefined) {
      form = make(event);
      made.set(event, form);
    }
    return form;
  };
}

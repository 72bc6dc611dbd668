/** The forms in which an event goes out, each made once for all who get it. */
import type { EventCatalogue } from '@fairlead/contracts';
import { formatCursor, oncePerEvent, type LogCursor, type StoredEvent } from '@fairlead/event-log';
import { describeError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { audienceOf, type Audience } from '../domain/audience.js';
import { changeView, type ChangeView } from '../domain/change-view.js';

/** Brings an event to the current version of its type; throws for one that the catalogue can't read. */
export type Decode = (event: StoredEvent) => StoredEvent;

/** One event and what of it goes out. */
export interface Change {
  readonly audience: Audience;
  /** The view of a reader; `inPart` of one who may read such events of a part of the platform alone. */
  view(incarnation: string, inPart: boolean): ChangeView;
  /** The same as a server-sent event. */
  frame(incarnation: string, inPart: boolean): Buffer;
}

/** Makes the function that answers the forms of an event. */
export function changeForms(deps: { catalogue: EventCatalogue; decode: Decode; logger: Logger }): (event: StoredEvent) => Change {
  return oncePerEvent((stored) => {
    const event = current(deps, stored);
    // What can't be read by the catalogue goes out as it is stored, to those who see the whole platform alone.
    const audience =
      event === undefined
        ? { ...audienceOf(stored, deps.catalogue), tenant: undefined, node: undefined }
        : audienceOf(event, deps.catalogue);
    const view = (incarnation: string, inPart: boolean) =>
      changeView(event ?? stored, audience, {
        cursor: cursorOf(stored, incarnation),
        scoped: inPart ? (deps.catalogue[stored.aggregateType]?.scoped?.[stored.type] ?? []) : undefined,
      });
    const [whole, scoped] = [keptFrame(view, false), keptFrame(view, true)];
    return { audience, view, frame: (incarnation, inPart) => (inPart ? scoped : whole)(incarnation) };
  });
}

/** Where to go on after an event. */
export function cursorOf({ position }: Pick<StoredEvent, 'position'>, incarnation: string): string {
  return formatCursor({ position, incarnation } satisfies LogCursor);
}

/** The bytes of a server-sent event. */
export function frameOf(id: string, event: string, data: object): Buffer {
  return Buffer.from(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** An incarnation that ends makes its frames anew: the cursor in them is another one. */
function keptFrame(view: Change['view'], inPart: boolean): (incarnation: string) => Buffer {
  let kept: { incarnation: string; frame: Buffer } | undefined;
  return (incarnation) => {
    if (kept?.incarnation !== incarnation) {
      const shown = view(incarnation, inPart);
      kept = { incarnation, frame: frameOf(shown.cursor, 'change', shown) };
    }
    return kept.frame;
  };
}

function current({ decode, logger }: { decode: Decode; logger: Logger }, stored: StoredEvent): StoredEvent | undefined {
  try {
    return decode(stored);
  } catch (error) {
    // A newer service wrote it, or it is damaged: `fairlead log verify` tells. It must not end everybody's streams.
    const { position, aggregateType, type } = stored;
    logger.debug({ position, aggregate_type: aggregateType, type, reason: describeError(error) }, 'an event could not be decoded');
    return undefined;
  }
}

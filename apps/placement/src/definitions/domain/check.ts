/** What a schema can't see of a definition: references that lead nowhere, and what contradicts itself. Pure. */
import type { Problem } from '../../config/domain/problems.js';
import type { Definition, Step } from './definition.js';

/** Everything that is wrong with a definition that has the form of one. */
export function problemsOfDefinition(definition: Definition): Problem[] {
  const { triggers, steps, compensations, timeout_seconds: timeout } = definition;
  const all = [
    ...steps.map((one, at) => ({ ...one, pointer: `/steps/${String(at)}` })),
    ...compensations.map((one, at) => ({ ...one, pointer: `/compensations/${String(at)}` })),
  ];
  return [
    ...twice(triggers).map((at) => ({ pointer: `/triggers/${String(at)}`, detail: `${triggers[at] ?? ''} is named twice` })),
    ...twice(all.map(({ id }) => id)).map((at) => ({ pointer: `${all[at]?.pointer ?? ''}/id`, detail: 'is the id of another one too' })),
    ...all.flatMap(({ pointer, retry, timeout_seconds: own }): Problem[] => [
      ...(own > timeout
        ? [{ pointer: `${pointer}/timeout_seconds`, detail: `must not be above the definition's, ${String(timeout)}` }]
        : []),
      ...(retry.max_backoff_ms < retry.backoff_ms
        ? [{ pointer: `${pointer}/retry/max_backoff_ms`, detail: `must not be below backoff_ms, ${String(retry.backoff_ms)}` }]
        : []),
    ]),
    ...problemsOfOrder(steps),
    ...(definition.kind === 'saga' ? problemsOfSaga(definition) : problemsOfEffect(definition)),
  ];
}

/** Where in a list something stands that stood before. */
function twice(list: readonly string[]): number[] {
  return list.flatMap((value, at) => (list.indexOf(value) < at ? [at] : []));
}

function problemsOfOrder(steps: readonly Step[]): Problem[] {
  const known = new Map(steps.map((step) => [step.id, step]));
  return steps.flatMap((step, at): Problem[] => {
    const pointer = `/steps/${String(at)}/after`;
    const unknown = step.after.flatMap((id, index) =>
      known.has(id) ? [] : [{ pointer: `${pointer}/${String(index)}`, detail: `there is no step ${id}` }],
    );
    const repeated = twice(step.after).map((index) => ({ pointer: `${pointer}/${String(index)}`, detail: 'is named twice' }));
    const waits = before(step, known).has(step.id) ? [{ pointer, detail: `${step.id} would wait for itself` }] : [];
    return [...unknown, ...repeated, ...waits];
  });
}

/** All steps that have to be done before a step. */
function before(step: Step, known: ReadonlyMap<string, Step>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...step.after];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(known.get(id)?.after ?? []));
  }
  return found;
}

function problemsOfSaga({ steps, compensations }: Definition): Problem[] {
  const known = new Set(compensations.map(({ id }) => id));
  const used = new Set(steps.map(({ compensation }) => compensation));
  return [
    ...steps.flatMap(({ side_effects: changes, compensation }, at): Problem[] => {
      const pointer = `/steps/${String(at)}/compensation`;
      if (compensation === undefined)
        return changes ? [{ pointer, detail: 'is missing: in a saga every step with side effects can be taken back' }] : [];
      if (!changes) return [{ pointer, detail: 'takes back a step that has no side effects' }];
      return known.has(compensation) ? [] : [{ pointer, detail: `there is no compensation ${compensation}` }];
    }),
    ...compensations.flatMap(({ id }, at) =>
      used.has(id) ? [] : [{ pointer: `/compensations/${String(at)}`, detail: 'takes back no step' }],
    ),
  ];
}

function problemsOfEffect({ steps, compensations }: Definition): Problem[] {
  const detail = 'is for sagas: an effect is not taken back';
  return [
    ...steps.flatMap(({ compensation }, at) =>
      compensation === undefined ? [] : [{ pointer: `/steps/${String(at)}/compensation`, detail }],
    ),
    ...(compensations.length === 0 ? [] : [{ pointer: '/compensations', detail }]),
  ];
}

import { describe, expect, it } from '@jest/globals';
import { canonicalForm, sha256Of } from '../../config/domain/canonical.js';
import { ConfigError } from '../../config/domain/problems.js';
import { readDefinition } from '../validate.js';
import { problemsOfDefinition } from './check.js';
import { definitionSchema } from './definition.js';

const step = (id: string, more: object = {}) => ({ id, call: 'payments.charge', ...more });
const effect = (more: object = {}) => ({
  ...{ name: 'mail-receipt', kind: 'effect', triggers: ['order.paid'], steps: [step('mail')] },
  ...more,
});
const saga = (more: object = {}) => ({
  ...{ name: 'charge-order', kind: 'saga', triggers: ['order.placed'] },
  steps: [step('check', { side_effects: false }), step('charge', { after: ['check'], compensation: 'refund' })],
  compensations: [step('refund')],
  ...more,
});

/** All that is wrong, as `code pointer`. */
function wrong(given: unknown): string[] {
  try {
    readDefinition(JSON.stringify(given), 'json');
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ pointer }) => `${error.code} ${pointer}`);
  }
}
/** The same by their places alone, when it has the form of a definition. */
const problems = (given: unknown) => problemsOfDefinition(definitionSchema.parse(given)).map(({ pointer }) => pointer);

describe('a definition', () => {
  it('has everything filled in that is left out, and the same hash however it is written', () => {
    const { definition, content, sha256 } = readDefinition(JSON.stringify(effect()), 'json');
    expect(definition).toMatchObject({ description: '', concurrency: { per_tenant: 1, per_runner: 100 }, timeout_seconds: 3_600 });
    expect(definition.steps[0]).toMatchObject({ after: [], side_effects: true, timeout_seconds: 30, retry: { attempts: 5 } });
    expect([content, sha256]).toEqual([canonicalForm(definition), sha256Of(content)]);
    const yaml = 'steps: [{call: payments.charge, id: mail}]\nkind: effect\ntriggers: [order.paid]\nname: mail-receipt\n';
    expect(readDefinition(yaml, 'yaml').sha256).toBe(sha256);
    expect(readDefinition(content, 'json').sha256).toBe(sha256);
  });

  it.each([
    ['an effect', effect()],
    ['a saga', saga()],
    ['steps that begin together and end in one', effect({ steps: [step('a'), step('b'), step('c', { after: ['a', 'b'] })] })],
    ['all events below a name', effect({ triggers: ['order.*', 'order.line.added'] })],
    ['one compensation for two steps', saga({ steps: [step('a', { compensation: 'refund' }), step('b', { compensation: 'refund' })] })],
  ])('may be %s', (_what, given) => {
    expect(wrong(given)).toEqual([]);
  });

  it('is refused with all that its form has wrong at once', () => {
    const given = effect({
      name: 'Mail',
      kind: 'task',
      triggers: [],
      steps: [step('mail', { call: 'mail', retry: { attempts: 0 }, more: 1 })],
      concurrency: { per_tenant: 1_001 },
      nonsense: true,
    });
    expect(wrong(given).sort()).toEqual(
      [
        ...['/name', '/kind', '/triggers', '/steps/0/call', '/steps/0/retry/attempts', '/steps/0/more', '/concurrency/per_tenant'],
        '/nonsense',
      ]
        .map((pointer) => `config_invalid ${pointer}`)
        .sort(),
    );
  });

  it.each([
    ['no text of a document', '{"name"'],
    ['a list', '[]'],
    ['too large', JSON.stringify(effect({ description: 'x'.repeat(300_000) }))],
  ])('is not %s', (_what, text) => {
    expect(() => readDefinition(text, 'json')).toThrow(expect.objectContaining({ code: 'config_decode' }));
  });

  it.each([
    ['51 steps', effect({ steps: Array.from({ length: 51 }, (_, n) => step(`s-${String(n)}`)) }), '/steps'],
    ['51 triggers', effect({ triggers: Array.from({ length: 51 }, (_, n) => `order.e${String(n)}`) }), '/triggers'],
    ['no step', effect({ steps: [] }), '/steps'],
    ['a long description', effect({ description: 'x'.repeat(501) }), '/description'],
    ['a year', effect({ timeout_seconds: 366 * 86_400 }), '/timeout_seconds'],
  ])('has bounds: %s', (_what, given, pointer) => {
    expect(wrong(given)).toEqual([`config_invalid ${pointer}`]);
  });
});

describe('what contradicts itself', () => {
  it('is told with every place', () => {
    const given = effect({
      triggers: ['order.paid', 'order.paid'],
      timeout_seconds: 20,
      steps: [step('mail', { retry: { backoff_ms: 10, max_backoff_ms: 5 } }), step('mail', { timeout_seconds: 10 })],
    });
    expect(problems(given)).toEqual(['/triggers/1', '/steps/1/id', '/steps/0/timeout_seconds', '/steps/0/retry/max_backoff_ms']);
  });

  it('is an order of steps that can not be', () => {
    const steps = [
      ...[step('a', { after: ['c'] }), step('b', { after: ['a'] }), step('c', { after: ['b'] })],
      ...[step('d', { after: ['c'] }), step('e', { after: ['e'] }), step('f', { after: ['gone', 'd', 'd'] })],
    ];
    // Of d, which only waits for those that never begin, nothing is wrong by itself.
    expect(problems(effect({ steps }))).toEqual([
      ...['/steps/0/after', '/steps/1/after', '/steps/2/after', '/steps/4/after', '/steps/5/after/0', '/steps/5/after/2'],
    ]);
  });

  it('is a saga that can not be taken back', () => {
    const given = saga({
      steps: [step('a'), step('b', { compensation: 'gone' }), step('c', { side_effects: false, compensation: 'refund' })],
      compensations: [step('refund'), step('idle')],
    });
    expect(problems(given)).toEqual(['/steps/0/compensation', '/steps/1/compensation', '/steps/2/compensation', '/compensations/1']);
  });

  it('is an effect that is taken back', () => {
    const given = effect({ steps: [step('mail', { compensation: 'unsend' })], compensations: [step('unsend')] });
    expect(problems(given)).toEqual(['/steps/0/compensation', '/compensations']);
  });
});

/** Commands about the log that are wrong, or that the gateway refuses: one line, an exit code, and nothing else. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { problem, startStage, type Answer, type Stage } from './gateway.fixture.js';

let gateway: Stage['gateway'];
let run: Stage['run'];
let stop: Stage['stop'];

beforeEach(async () => {
  ({ gateway, run, stop } = await startStage());
});

afterEach(() => stop());

describe('what is wrong', () => {
  it.each(
    [
      ...['log show 0', 'log show x', 'log show 1 2', 'log show --from 99999999999999999', 'log show --limit 0', 'log show --limit 1e9'],
      ...['log tail --count 0', 'log tail x', 'log verify --from 0', 'log verify --to -1', 'log stats x', 'log', 'log nothing'],
      ...[
        'aggregate show',
        'aggregate show job',
        'aggregate show job:',
        'aggregate show job:..',
        'aggregate show job:.',
        'aggregate show Job:1',
      ],
      ...[
        'projection show',
        'projection show ..',
        'projection show .',
        'projection show ',
        'projection pause a',
        'projection pause .. --reason why',
      ],
      ...['projection rebuild a --reason why --timeout 0s', 'projection rebuild a --reason why --timeout 9999h --wait'],
      ...[
        'projection rebuild a --reason why --cancel --wait',
        'projection skip a --reason why',
        'projection skip a --reason why --position 0 -y',
      ],
      ...['projection skip a --reason why --position 1 --epoch 0 -y', 'stuck x', 'stuck --output yaml'],
    ].map((line) => [line]),
  )('%s: is told in a line, and nothing is asked', async (line) => {
    const { exitCode, out, err } = await run(line.split(' '));
    expect([exitCode, out, gateway.seen]).toEqual([exitCodes.usage, '', []]);
    // Only a group without a command shows its help.
    if (line !== 'log') expect(err).toMatch(/^error: [^:\s].*[^\s]\n(\(--help tells more\)\n)?$/);
  });

  const lines = [
    'log show',
    'log show 1',
    'log stats',
    'log verify',
    'log tail',
    'aggregate list',
    'aggregate show job:1',
    'projection list',
  ];
  const decisions = ['pause', 'resume', 'rebuild', 'skip'].map(
    (way) => `projection ${way} a --reason why${way === 'skip' ? ' --position 1 -y' : ''}`,
  );

  it.each([...lines, 'projection show a', ...decisions, 'stuck'].map((line) => [line]))(
    '%s tells in a line what the gateway answers',
    async (line) => {
      const refuse = (answer: Answer) => {
        for (const route of [
          'log/events',
          'log/events/1',
          'log/stats',
          'log/aggregates',
          'log/aggregates/job/1',
          'projections',
          'projections/a',
          'stuck',
        ])
          gateway.on(`GET /admin/v1/${route}`, answer);
        for (const way of ['pause', 'resume', 'rebuild', 'skip']) gateway.on(`POST /admin/v1/projections/a/${way}`, answer);
        gateway.on('POST /admin/v1/log/verify', answer);
        gateway.on('GET /platform/v1/changes', answer);
      };
      const told = async () => {
        const { exitCode, out, err } = await run(line.split(' '));
        return [exitCode, out, err];
      };
      refuse(problem(403, 'permission_denied', 'You may not\ndo that'));
      expect(await told()).toEqual([exitCodes.auth, '', 'error: You may not do that (permission_denied, request req_42)\n']);
      refuse({ status: 400, body: { code: '', detail: ' ', title: '', request_id: '' } });
      expect(await told()).toEqual([exitCodes.usage, '', 'error: the gateway answered 400 (http_400, request unknown)\n']);
      refuse({ status: 400, body: '<html>' });
      expect(await told()).toEqual([exitCodes.usage, '', 'error: the gateway answered 400 (http_400, request unknown)\n']);
      if (line === 'log tail') return;
      refuse({ body: 'nothing like it' });
      expect(await told()).toEqual([
        exitCodes.failed,
        '',
        expect.stringMatching(/^error: http.* does not answer like a Fairlead gateway: .* has no usable body\n$/),
      ]);
    },
  );
});

import { describe, expect, it } from '@jest/globals';
import { parseOptions, usage } from './options.js';

const parse = (...args: string[]) => parseOptions(args, { root: '/project', cwd: '/somewhere' });

describe('parseOptions', () => {
  it('has defaults for everything', () => {
    expect(parse()).toEqual({
      want: 'run',
      options: { port: 7400, stateDir: '/project/.fairlead', separate: false, sim: true, metrics: true, tls: false },
    });
  });

  it('takes each option, a relative folder from where the user stands', () => {
    expect(parse('--port', '0', '--state=data', '--separate', '--no-sim', '--no-metrics', '--tls')).toEqual({
      want: 'run',
      options: { port: 0, stateDir: '/somewhere/data', separate: true, sim: false, metrics: false, tls: true },
    });
    expect(parse('--state', '/var/data')).toMatchObject({ options: { stateDir: '/var/data' } });
  });

  it.each(['65536', '-1', '80a', '', '1e3', '7400.5'])('refuses --port=%s and names the option', (port) => {
    expect(parse(`--port=${port}`)).toEqual({ want: 'error', message: `--port must be a number from 0 to 65535, not "${port}"` });
  });

  it.each([
    [['--prot', '1'], "Unknown option '--prot'"],
    [['start'], "Unexpected argument 'start'"],
    [['--port'], "Option '--port <value>' argument missing"],
    [['--state='], '--state needs a folder'],
    [['--separate=yes'], "Option '--separate' does not take an argument"],
  ])('refuses %j', (args, message) => {
    expect(parse(...args)).toEqual({ want: 'error', message });
  });

  it('shows help before it looks at values, and the help names every option', () => {
    expect(parse('--help', '--port', 'x')).toEqual({ want: 'help' });
    for (const option of ['--port', '--state', '--separate', '--no-sim', '--no-metrics', '--tls', '--help'])
      expect(usage).toContain(option);
  });
});

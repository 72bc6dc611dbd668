/** The processes of a stack: what they run, with which environment and log file. */
import { lstatSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { mainOf, ownScript } from './paths.js';
import { settingsOf, simSettings, withSettings, type StackSettings } from './services.js';
import { stateDirVariable } from './pids.js';
import type { UnitSpec } from './unit.js';

/** They ask the others, and are started after and stopped before them. */
const askers: readonly ControlPlaneService[] = ['job-orchestrator', 'api-gateway'];

/** The services' processes, in groups that are started one after the other. */
export function serviceGroups(stack: StackSettings, separate: boolean): UnitSpec[][] {
  if (!separate) return [[allInOne(stack)]];
  const answerers = controlPlaneServices.filter((service) => !askers.includes(service));
  return [answerers, askers].map((group) => group.map((service) => ownProcess(stack, service)));
}

function logFileOf(stack: StackSettings, name: string): string {
  return join(stack.stateDir, 'logs', `${name}.log`);
}

function ownProcess(stack: StackSettings, service: ControlPlaneService): UnitSpec {
  return {
    name: service,
    services: [service],
    args: [mainOf(service)],
    env: withSettings(stack.env, settingsOf(stack, service)),
    logFile: logFileOf(stack, service),
  };
}

/** One more process of a service, named `<service>-<number>`, on free ports that nobody else is told. */
export function replicaUnit(stack: StackSettings, service: ControlPlaneService, number: number): UnitSpec {
  const unit = ownProcess(stack, service);
  const name = `${service}-${String(number)}`;
  const jwks = unit.env['JWKS_HTTPS_PORT'] === undefined ? {} : { JWKS_HTTPS_PORT: '0' };
  const env = { ...unit.env, HTTP_PORT: '0', GRPC_PORT: '0', ...jwks };
  return { ...unit, name, services: [name], env, logFile: logFileOf(stack, name) };
}

function allInOne(stack: StackSettings): UnitSpec {
  const given = Object.fromEntries(
    controlPlaneServices.map((service) => [service, { settings: settingsOf(stack, service), logFile: logFileOf(stack, service) }]),
  );
  return {
    name: 'the services',
    services: controlPlaneServices,
    args: [ownScript('all-in-one.js')],
    env: { ...stack.env, [stateDirVariable]: stack.stateDir, FAIRLEAD_ALL_IN_ONE: JSON.stringify(given) },
    logFile: logFileOf(stack, 'all-in-one'),
  };
}

/** The simulated fleet's process; `<state>/sim.json` leads to the file it writes when it is up. */
export function simUnit(stack: StackSettings): UnitSpec {
  const link = join(stack.stateDir, 'sim.json');
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) rmSync(link);
  // What an earlier run left there must not be taken for this one's.
  rmSync(join(stack.stateDir, 'sim/sim.json'), { force: true });
  symlinkSync('sim/sim.json', link);
  return {
    name: 'fleet-sim',
    services: ['fleet-sim'],
    args: [mainOf('fleet-sim')],
    env: withSettings(stack.env, simSettings(stack)),
    logFile: logFileOf(stack, 'fleet-sim'),
  };
}

/** A program: so many endpoints of managed services in one process, each at its own address of 127.0.0.0/8, and a receiver of samples. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What was asked since the last time this was asked. */
export interface Asked {
  health: number;
  ready: number;
  metrics: number;
}

export type FromTargets = { port: number } | { asked: Asked };

const asked: Asked = { health: 0, ready: 0, metrics: 0 };
const metrics = metricsText();

const server = createServer((request, response) => {
  request.resume();
  if (request.url === '/health') asked.health += 1;
  else if (request.url === '/ready') asked.ready += 1;
  else if (request.url === '/metrics') {
    asked.metrics += 1;
    response.end(metrics);
    return;
  }
  response.end();
});
// As most servers have it; Node's own 5 s would end each connection before its next request.
server.keepAliveTimeout = 120_000;
server.listen(0, '0.0.0.0', () => {
  process.send?.({ port: (server.address() as AddressInfo).port } satisfies FromTargets);
});
process.once('disconnect', () => process.exit());
process.on('message', () => {
  process.send?.({ asked: { ...asked } } satisfies FromTargets);
  Object.assign(asked, { health: 0, ready: 0, metrics: 0 });
});

/** What a service in Node exports, and histograms of its own. */
function metricsText(): string {
  const lines = [
    'runner_build_info{service="runner",version="1.4.0",git_sha="abc1234"} 1',
    'runner_inflight 3',
    'runner_lag 0',
    'process_start_time_seconds 1795255200',
  ];
  for (const route of ['commands', 'queries', 'health', 'ready', 'metrics', 'drain', 'resume', 'state']) {
    const name = 'runner_request_duration_seconds';
    for (const bound of ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'])
      lines.push(`${name}_bucket{le="${bound}",route="${route}",method="POST"} ${String(route.length * 1_000)}`);
    lines.push(`${name}_sum{route="${route}",method="POST"} 12.5`, `${name}_count{route="${route}",method="POST"} 4200`);
  }
  for (let n = 0; n < 130; n++) lines.push(`nodejs_figure_${String(n)}{space="heap",kind="old"} ${String(n * 4_096.5)}`);
  return `${lines.flatMap((line, n) => (n % 5 === 0 ? [`# HELP figure Some words about what it tells.`, line] : [line])).join('\n')}\n`;
}

/** The parts of the Compose specification that Fairlead's files use. Any other key is an error: engines ignore what they don't know. */
import { z } from 'zod';

const name = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, 'not a name');
const duration = z.string().regex(/^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/, 'not a duration such as 1m30s');
const size = z.string().regex(/^\d+[KMG]$/i, 'not a size such as 512M');
const command = z.array(z.string().min(1));
/** Quoted, so that no YAML reader makes something else of it. */
const environment = z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'not a variable'), z.string('a text is expected: put it in quotes'));

const healthcheck = z.union([
  z.strictObject({ disable: z.literal(true) }),
  z.strictObject({
    test: z.array(z.string()).refine(([how]) => how === 'CMD', 'a command without a shell is expected'),
    interval: duration,
    timeout: duration,
    retries: z.int().min(1),
    start_period: duration,
  }),
]);

const volumeMount = z.union([
  z.string().regex(/^[a-z][a-z0-9-]*:\/[^:]+(:ro)?$/, 'not volume:/path or volume:/path:ro'),
  z.strictObject({ type: z.literal('tmpfs'), target: z.string(), tmpfs: z.strictObject({ size: z.int().min(1) }) }),
]);

const limits = z.strictObject({ cpus: z.string(), memory: size, pids: z.int().min(1) });

/** What both kinds of file have. */
const serviceKeys = {
  image: z.string(),
  command,
  user: z.string().regex(/^\d+:\d+$/, 'not uid:gid'),
  read_only: z.boolean(),
  cap_drop: z.array(z.string()),
  init: z.boolean(),
  environment: environment.optional(),
  stop_grace_period: duration.optional(),
  configs: z.array(z.strictObject({ source: name, target: z.string().startsWith('/') })).optional(),
  volumes: z.array(volumeMount).optional(),
  healthcheck: healthcheck.optional(),
  ports: z.array(z.string()).optional(),
};

const composeService = z.strictObject({
  ...serviceKeys,
  build: z
    .strictObject({ context: z.string(), dockerfile: z.string(), target: z.string(), args: z.record(z.string(), z.string()).optional() })
    .optional(),
  security_opt: z.array(z.string()),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
  tmpfs: z.array(z.string().startsWith('/')).optional(),
  shm_size: z.string().optional(),
  restart: z.string().regex(/^(unless-stopped|on-failure:\d+)$/, 'not unless-stopped or on-failure:N'),
  network_mode: z.literal('none').optional(),
  networks: z.array(name).optional(),
  depends_on: z.record(name, z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) })).optional(),
  deploy: z.strictObject({ resources: z.strictObject({ limits }) }),
});

const updateConfig = z.strictObject({
  parallelism: z.int().min(1).optional(),
  order: z.enum(['start-first', 'stop-first']),
  delay: duration.optional(),
  monitor: duration,
  failure_action: z.enum(['pause', 'rollback', 'continue']),
  max_failure_ratio: z.number().min(0).max(1).optional(),
});

const swarmService = z.strictObject({
  ...serviceKeys,
  labels: z.record(z.string(), z.string()).optional(),
  stop_signal: z.string().regex(/^SIG/).optional(),
  networks: z.union([z.array(name), z.record(name, z.union([z.null(), z.strictObject({ aliases: z.array(name).optional() })]))]),
  // Written 0400, which YAML 1.1 reads as an octal number.
  secrets: z.array(z.strictObject({ source: name, uid: z.string(), gid: z.string(), mode: z.literal(0o400) })).optional(),
  deploy: z.strictObject({
    mode: z.enum(['replicated', 'global', 'replicated-job']).optional(),
    endpoint_mode: z.enum(['dnsrr', 'vip']),
    replicas: z.int().min(0).optional(),
    placement: z.strictObject({
      constraints: z.array(z.string().regex(/^node\.[a-z.]+ (==|!=) \S+$/i)),
      preferences: z.array(z.strictObject({ spread: z.string() })).optional(),
    }),
    restart_policy: z.strictObject({
      condition: z.enum(['any', 'on-failure', 'none']),
      delay: duration,
      max_attempts: z.int().optional(),
    }),
    update_config: updateConfig.optional(),
    rollback_config: updateConfig.optional(),
    resources: z.strictObject({ limits, reservations: z.strictObject({ cpus: z.string(), memory: size }).optional() }),
  }),
});

const anchors = z.custom<`x-${string}`>((key) => typeof key === 'string' && key.startsWith('x-'));
const config = z.strictObject({ file: z.string(), name: z.string().optional() });
const external = z.strictObject({ external: z.literal(true), name: z.string() });

const composeFile = z.strictObject({
  name,
  services: z.record(name, composeService),
  networks: z.record(name, z.strictObject({ internal: z.literal(true).optional() })),
  configs: z.record(name, config).optional(),
  volumes: z.record(name, z.strictObject({})).optional(),
});

const swarmFile = z.strictObject({
  version: z.literal('3.9'),
  services: z.record(name, swarmService),
  networks: z.record(
    name,
    z.union([
      external,
      z.strictObject({
        driver: z.literal('overlay'),
        internal: z.literal(true),
        driver_opts: z.strictObject({ encrypted: z.literal('') }),
      }),
    ]),
  ),
  configs: z.record(name, config).optional(),
  secrets: z.record(name, external).optional(),
  volumes: z.record(name, z.strictObject({})).optional(),
});

export type ComposeService = z.output<typeof composeService>;
export type SwarmService = z.output<typeof swarmService>;
export type ComposeFile = z.output<typeof composeFile>;
export type SwarmFile = z.output<typeof swarmFile>;

/** Checks a file's content. @returns the typed file, or what is wrong with it, each with the path to it */
export function checkSchema(kind: 'compose' | 'swarm', value: unknown): { file?: ComposeFile | SwarmFile; problems: string[] } {
  const withoutAnchors = z.record(z.string(), z.unknown()).safeParse(value);
  if (!withoutAnchors.success) return { problems: ['it is not a mapping'] };
  const content = Object.fromEntries(Object.entries(withoutAnchors.data).filter(([key]) => !anchors.safeParse(key).success));
  const result = (kind === 'compose' ? composeFile : swarmFile).safeParse(content);
  if (result.success) return { file: result.data, problems: [] };
  return { problems: result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) };
}

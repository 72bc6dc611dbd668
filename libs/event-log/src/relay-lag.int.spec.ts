/** What the relay says of how far it is behind, while it can not go on. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Registry } from '@fairlead/telemetry';
import { eventuallyHolds } from '@fairlead/testing';
import { append, expectStopped, RelayStage } from './relay.fixture.js';

let stage: RelayStage;
let registry: Registry;

beforeEach(async () => {
  stage = await RelayStage.open();
  registry = new Registry();
});
afterEach(() => stage.close());

async function expectLag(lag: number): Promise<void> {
  await eventuallyHolds(
    async () => {
      expect(await registry.metrics()).toContain(`fairlead_relay_lag ${lag}\n`);
    },
    { what: `the lag to be ${lag}`, timeoutMs: 20_000 },
  );
}

it('grows with the log while NATS is away, and falls when it is back', async () => {
  stage.relay({ registry });
  await append(3, stage.database.db);
  await stage.expectMirror(3);
  await expectLag(0);
  const { port } = new URL(stage.nats.url);
  await stage.killNats();
  await append(5, stage.database.db);
  await expectLag(5);
  await append(4, stage.database.db);
  await expectLag(9);
  await stage.startNats(Number(port));
  await expectLag(0);
});

it('grows with the log from where it was found while NATS has not been there yet', async () => {
  const { port } = new URL(stage.nats.url);
  await append(3, stage.database.db);
  await stage.killNats();
  stage.relay({ registry });
  await expectLag(0);
  await append(4, stage.database.db);
  await expectLag(4);
  await stage.startNats(Number(port));
  await stage.expectMirror(7);
  await expectLag(0);
});

it('grows with the log while the stream is that of another one', async () => {
  const relay = stage.relay();
  await append(6, stage.database.db);
  await stage.expectMirror(6);
  await relay.stop();
  const { db } = await stage.another();
  await append(2, db);
  stage.relay({ registry, sql: db });
  await expectStopped(registry, true);
  await append(5, db);
  await expectLag(5);
});

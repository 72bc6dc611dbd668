// How the edge ends: with the requests in flight, and for nobody else.
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { Controller, Get } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@fairlead/testing';
import { Public } from './access.js';
import { startEdge } from './server.fixture.js';

const heldRequests = new EventEmitter();

@Controller('t')
class Routes {
  @Get('open')
  @Public()
  open() {
    return { ok: true };
  }

  /** Is answered when the spec says so. */
  @Get('held')
  @Public()
  async held() {
    const arrived = new Promise<void>((release) => heldRequests.emit('held', release));
    await arrived;
    return { ok: true };
  }
}

describe('an edge that closes', () => {
  it('does not wait for connections that never brought a request', async () => {
    const { app, port } = await startEdge([Routes]);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await app.close();
    await closed;
  });

  it('answers as ever what comes behind a request in flight', async () => {
    const { app, port } = await startEdge([Routes]);
    const socket = connect(port, '127.0.0.1');
    let answers = '';
    socket.on('data', (chunk) => (answers += chunk.toString()));
    const closed = once(socket, 'close');
    const held = once(heldRequests, 'held');
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: edge\r\n\r\n`;
    socket.write(get('/t/held'));
    const [release] = (await held) as [() => void];
    const closing = app.close();
    await eventually(() => !app.getHttpServer().listening, { what: 'the server takes no more connections' });
    socket.write(get('/t/open'));
    release();
    await Promise.all([closed, closing]);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
  });
});

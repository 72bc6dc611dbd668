import { describe, expect, it } from '@jest/globals';
import { routeOf, sampleRoutes } from './routes.js';

const table = {
  routes: [
    { id: 'all', hosts: [], path_prefix: '/' },
    { id: 'api', hosts: [], path_prefix: '/api' },
    { id: 'api-of-acme', hosts: ['acme.example'], path_prefix: '/api' },
    { id: 'shops', hosts: ['*.shop.example'], path_prefix: '/' },
    { id: 'reports', hosts: [], path_prefix: '/api/reports/' },
  ],
};

describe('the route of a request', () => {
  it.each([
    ['any.invalid', '/', 'all'],
    ['any.invalid', '/api', 'api'],
    ['any.invalid', '/api/x', 'api'],
    ['any.invalid', '/apis', 'all'],
    ['ACME.example', '/api', 'api-of-acme'],
    ['acme.example', '/x', 'all'],
    ['one.shop.example', '/x', 'shops'],
    ['one.shop.example', '/api', 'api'],
    ['shop.example', '/x', 'all'],
    ['any.invalid', '/api/reports/1', 'reports'],
    ['any.invalid', '/api/reports', 'api'],
  ])('for %s %s is %s', (host, path, id) => {
    expect(routeOf(table, { host, path })).toBe(id);
  });

  it('is none where none fits', () => {
    expect(routeOf({ routes: [{ id: 'a', hosts: ['a.example'], path_prefix: '/a' }] }, { host: 'b.example', path: '/a' })).toBeUndefined();
  });

  it('of a sample is the route that it was made for', () => {
    expect(sampleRoutes(table, 9).map((request) => routeOf(table, request))).toEqual(table.routes.map(({ id }) => id));
    expect(sampleRoutes(table, 2)).toHaveLength(2);
  });
});

import { describe, expect, it } from '@jest/globals';
import { isAllowed, ownerOf } from './routes.ts';

describe('the table of routes', () => {
  it('sends lists, search, timeline and reports to analytics, records to their owners', () => {
    const owners: [string, string, string | undefined][] = [
      ['GET', '/api/customers', 'analytics'],
      ['POST', '/api/customers/query', 'analytics'],
      ['GET', '/api/customers/1/timeline', 'analytics'],
      ['GET', '/api/customers/1/personal-data', 'analytics'],
      ['GET', '/api/customers/1/impact', 'analytics'],
      ['GET', '/api/reports/funnel', 'analytics'],
      ['POST', '/api/customers/export', 'analytics'],
      ['GET', '/api/export-settings', 'analytics'],
      ['GET', '/api/exports', 'analytics'],
      ['POST', '/api/customers', 'customers'],
      ['PATCH', '/api/customers/1', 'customers'],
      ['GET', '/api/customers/1/people', 'customers'],
      ['GET', '/api/fields', 'customers'],
      ['POST', '/api/tags/1/merge', 'customers'],
      ['GET', '/api/pipelines/1/board', 'sales'],
      ['POST', '/api/interactions', 'interactions'],
      ['POST', '/api/customers/1/consents', 'customers'],
      ['GET', '/api/consent-purposes', 'customers'],
      ['GET', '/api/lifecycle', 'customers'],
      ['GET', '/api/survivorship-rules', 'customers'],
      ['GET', '/api/rules/customers', 'customers'],
      ['POST', '/api/connections/1/undo', 'customers'],
      ['POST', '/api/connections', undefined],
      ['GET', '/api/customersx', undefined],
      ['GET', '/internal/history', undefined],
    ];
    for (const [method, path, owner] of owners)
      expect([method, path, ownerOf(method, path)]).toEqual([method, path, owner]);
  });

  it('lets readers read and nothing else, and only administrators configure', () => {
    for (const role of ['reader', 'member', 'integration', 'administrator']) {
      expect(isAllowed([role], 'GET', '/api/customers')).toBe(true);
      expect(isAllowed([role], 'POST', '/api/orders/query')).toBe(true);
      for (const [method, path] of [
        ['POST', '/api/customers'],
        ['PATCH', '/api/customers/1'],
        ['DELETE', '/api/deals/1'],
        ['POST', '/api/tags'],
        ['GET', '/api/customers/1/consents/unsubscribe-link'],
        ['HEAD', '/api/customers/1/consents/unsubscribe-link'],
        ['GET', '/api/imports/1/errors.csv'],
        ['GET', '/api/imports/1/warnings.csv'],
      ] as const) {
        expect([role, path, isAllowed([role], method, path)]).toEqual([role, path, role !== 'reader']);
      }
      for (const [method, path] of [
        ['PUT', '/api/exchange-rates'],
        ['POST', '/api/pipelines'],
        ['PUT', '/api/consent-purposes/newsletter'],
        ['PUT', '/api/field-classes/phones'],
        ['PUT', '/api/lifecycle'],
        ['PUT', '/api/survivorship-rules'],
        ['PUT', '/api/export-settings'],
        ['PUT', '/api/care-settings'],
        ['PUT', '/api/rules/customers'],
        ['POST', '/api/rules/customers/verification'],
        ['PUT', '/api/duplicate-rules'],
        ['POST', '/api/connections/1/undo'],
        ['POST', '/api/consent-purposes/newsletter/texts'],
        ['PATCH', '/api/fields/level'],
        ['POST', '/api/field-templates/retail/apply'],
      ] as const) {
        expect([role, path, isAllowed([role], method, path)]).toEqual([role, path, role === 'administrator']);
      }
    }
    expect(isAllowed([], 'POST', '/api/customers')).toBe(false);
  });

  it('lets only those export who may', () => {
    const may = (...roles: string[]) => isAllowed(roles, 'POST', '/api/customers/export');
    expect([may('administrator'), may('exporter'), may('reader', 'exporter')]).toEqual([true, true, true]);
    expect([may('member'), may('reader'), may('integration'), may()]).toEqual([false, false, false, false]);
    const mayWatch = (role: string) => isAllowed([role], 'GET', '/api/exports');
    expect([mayWatch('administrator'), mayWatch('exporter'), mayWatch('reader')]).toEqual([true, false, false]);
    expect(isAllowed(['exporter'], 'POST', '/api/customers')).toBe(false);
    expect(isAllowed(['exporter'], 'GET', '/api/customers')).toBe(true);
  });
});

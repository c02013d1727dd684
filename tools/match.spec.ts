import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { customers } from '../services/customers/src/matching/customers.fixtures.ts';
import { guessField } from './match/columns.ts';
import { bCubed, ofClusters, ofPairs, truePairs } from './match/measures.ts';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'throughline-match-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fileOf = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

function match(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', join(root, 'tools/typescript.mjs'), join(root, 'tools/match.ts'), ...args],
      { cwd: root },
      (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err: err.trim() }),
    );
  });
}

const csvOf = (rows: readonly Record<string, unknown>[]) =>
  [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))]
    .map((cells) => cells.map((cell) => JSON.stringify(cell ?? '')).join(';'))
    .join('\n');

describe('npm run match', () => {
  let file: string;
  beforeAll(() => {
    const rows = customers(800, 4).map(({ truth, ...each }) => ({
      编号: `id-${truth}-x`,
      name: each.name ?? [each.givenName, each.familyName].filter(Boolean).join(' '),
      company: each.companyName,
      mailbox: (each.emails as string[])[0],
      手机号: (each.phones as string[])[0],
      city: each.addresses?.[0]?.city,
      地址: each.addresses?.[0]?.street,
      shade: 'grey',
    }));
    file = fileOf('customers.csv', csvOf(rows));
  });

  it('measures what the matcher finds', async () => {
    const { code, out } = await match('--csv', file, '--truth', '编号', '--truth-pattern', '^id-(.*)-x$');
    expect(code).toBe(0);
    expect(out).toMatch(/^mailbox +email$/m);
    expect(out).toMatch(/^手机号 +phone$/m);
    expect(out).toMatch(/^地址 +street$/m);
    expect(out).toMatch(/^shade +other$/m);
    expect(out).toMatch(/^person: lambda/m);
    expect(out).toMatch(/^familyName +exact/m);
    const [, precision, recall] = /^pairs +(\S+) +(\S+)/m.exec(out)!;
    expect(Number(precision)).toBeGreaterThan(0.85);
    expect(Number(recall)).toBeGreaterThan(0.8);
    expect(Number(/^blocking recall +(\S+)/m.exec(out)![1])).toBeGreaterThan(0.95);
    expect(Number(/^reduction ratio +(\S+)/m.exec(out)![1])).toBeGreaterThan(0.9);
    expect(out).toMatch(/^clusters .*\nB-cubed /m);
    expect(out).toMatch(/^records a second +\d/m);
  });

  it('leaves columns out, and takes them as it is told', async () => {
    const told = ['--without', '手机号,地址', '--map', 'shade=ignore,company=other', '--threshold', '5'];
    const { out } = await match('--csv', file, '--truth', '编号', ...told);
    expect(out).not.toContain('手机号');
    expect(out).toMatch(/^shade +ignore$/m);
    expect(out).toMatch(/^company +other$/m);
    expect(out).toContain('other:company');
    expect(out).not.toContain('other:shade');
  });

  it.each([
    [[], 'usage: npm run match --'],
    [['--csv', 'FILE'], 'usage: npm run match --'],
    [['--csv', 'FILE', '--truth', 'who'], 'there is no column who: 编号, name'],
    [['--csv', 'FILE', '--truth', 'name', '--without', 'sex'], 'there is no column sex'],
    [['--csv', 'FILE', '--truth', 'name', '--map', 'city'], '--map city: not column='],
    [['--csv', 'FILE', '--truth', 'name', '--map', 'city=town'], '--map city=town: not column='],
    [['--csv', 'FILE', '--truth', 'name', '--map', 'town=city'], 'there is no column town'],
    [['--csv', 'FILE', '--truth', '编号', '--truth-pattern', '('], '--truth-pattern: Invalid'],
    [['--csv', 'FILE', '--truth', '编号', '--truth-pattern', 'x(y)'], 'has no group of x(y)'],
    [['--csv', 'FILE', '--truth', '编号', '--threshold', 'high'], '--threshold high: not a number'],
    [['--csv', 'FILE', '--truth', '编号', '--colour', 'red'], "Unknown option '--colour'; usage:"],
    [['--csv', 'missing.csv', '--truth', '编号'], 'missing.csv cannot be read'],
    [['--csv', 'RAGGED', '--truth', 'a'], 'too-many-cells in line 2'],
    [['--csv', 'EMPTY', '--truth', 'a'], 'has no rows'],
    [['--csv', 'TWICE', '--truth', 'a'], 'duplicate-header'],
  ])('says of %j what is wrong, in a line', async (args, word) => {
    const files: Record<string, string> = {
      FILE: file,
      RAGGED: fileOf('ragged.csv', 'a,b\n1,2,3\n'),
      EMPTY: fileOf('empty.csv', 'a,b\n'),
      TWICE: fileOf('twice.csv', 'a,a\n1,2\n'),
    };
    const { code, out, err } = await match(...args.map((arg) => files[arg] ?? arg));
    expect([code, out, err.split('\n').length]).toEqual([1, '', 1]);
    expect(err).toContain(word);
  });
});

describe('a column', () => {
  it.each([
    ['given_name', [], 'givenName'],
    ['Last Name', [], 'familyName'],
    ['soc_sec_id', [], 'nationalId'],
    ['date_of_birth', [], 'birthDate'],
    ['E-mail 2', [], 'email'],
    ['address_1', [], 'street'],
    ['address_2', [], 'other'],
    ['客户名称', [], 'name'],
    ['统一社会信用代码', [], 'registrationNumber'],
    ['x', ['a@b.cn', '', 'c@d.com'], 'email'],
    ['x', ['13800138000', '13900139000'], 'phone'],
    ['x', ['11010519491231002X'], 'nationalId'],
    ['x', ['91330106MA27XYX12A'], 'registrationNumber'],
    ['x', ['1980-02-01', '1990年3月2日'], 'birthDate'],
    ['x', ['华为技术有限公司', 'Acme Inc.'], 'companyName'],
    ['x', ['a@b.cn', 'red', 'blue'], 'other'],
    ['x', [], 'other'],
  ])('%s of %j is %s', (header, cells, field) => {
    expect(guessField(header, cells)).toBe(field);
  });
});

describe('the measures', () => {
  const truth = new Map(Object.entries({ a: '1', b: '1', c: '1', d: '2', e: '2', f: '3' }));

  it('count pairs', () => {
    expect(truePairs(truth)).toBe(4);
    const pairs = [
      { a: 'a', b: 'b' },
      { a: 'c', b: 'd' },
    ];
    expect(ofPairs(pairs, truth)).toEqual({ precision: 1 / 2, recall: 1 / 4, f1: 1 / 3 });
  });

  it('count all pairs within clusters', () => {
    expect(ofClusters([['a', 'b', 'c', 'd']], truth)).toMatchObject({ precision: 3 / 6, recall: 3 / 4 });
  });

  it('average over records', () => {
    const { precision, recall } = bCubed([['a', 'b', 'd']], truth);
    expect(precision).toBeCloseTo((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6, 10);
    expect(recall).toBeCloseTo((2 / 3 + 2 / 3 + 1 / 3 + 1 / 2 + 1 / 2 + 1) / 6, 10);
  });

  it('are 1 where there is nothing to find, and nothing was found', () => {
    expect(ofPairs([], new Map([['a', '1']]))).toEqual({ precision: 1, recall: 1, f1: 1 });
    expect(bCubed([], new Map([['a', '1']]))).toEqual({ precision: 1, recall: 1, f1: 1 });
  });
});

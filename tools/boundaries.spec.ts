import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const libs = ['contracts', 'event-sourcing', 'language', 'messaging', 'service', 'tables'];
const externals = ['@nestjs/common', '@opentelemetry/api', '@opentelemetry/sdk-trace', 'typebox', 'pg'];
const folders: string[] = [];

type Files = Record<string, string>;
type Violation = { rule: { name: string }; from: string; to: string };

/** What dependency-cruiser says of a tree of files, with the real rules: `rule: from -> to`. */
function violations(files: Files): string[] {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'throughline-boundaries-')));
  folders.push(folder);
  const write = (path: string, text: string) => {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  mkdirSync(join(folder, 'node_modules/@throughline'), { recursive: true });
  for (const lib of libs) {
    write(
      `libs/${lib}/package.json`,
      `{ "name": "@throughline/${lib}", "type": "module", "exports": "./src/index.ts" }`,
    );
    write(`libs/${lib}/src/index.ts`, 'export type Nothing = never;');
    symlinkSync(`../../libs/${lib}`, join(folder, 'node_modules/@throughline', lib));
  }
  for (const name of externals) {
    write(`node_modules/${name}/package.json`, `{ "name": "${name}", "exports": "./index.js" }`);
    write(`node_modules/${name}/index.js`, '');
  }
  for (const [path, text] of Object.entries(files)) write(path, text);

  const cruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(root, '.dependency-cruiser.cjs');
  const top = [...new Set(['libs', ...Object.keys(files).map((path) => path.split('/')[0]!)])];
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [cruise, '--config', config, '--output-type', 'json', ...top],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  if (!stdout) throw new Error(stderr);
  const found = (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
  return found.map(({ rule, from, to }) => `${rule.name}: ${relative('.', from)} -> ${relative('.', to)}`);
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const deal = 'services/sales/src/deal/deal.ts';
const offences: Record<string, { files: Files; found: string[] }> = {
  'no-cycles': {
    files: {
      'services/sales/src/a.ts': "import './b.ts';",
      'services/sales/src/b.ts': "import type { A } from './a.ts'; export type B = A;",
    },
    found: ['no-cycles: services/sales/src/a.ts -> services/sales/src/b.ts'],
  },
  'contracts-stand-alone': {
    files: { 'libs/contracts/src/sales.ts': "import '@throughline/language'; import 'pg';" },
    found: [
      'contracts-stand-alone: libs/contracts/src/sales.ts -> libs/language/src/index.ts',
      'contracts-stand-alone: libs/contracts/src/sales.ts -> node_modules/pg/index.js',
    ],
  },
  'telemetry-is-set-up-once': {
    files: {
      'libs/messaging/src/relay.ts': "import '@opentelemetry/api'; import '@opentelemetry/sdk-trace';",
      'libs/service/src/telemetry.ts': "import '@opentelemetry/sdk-trace';",
    },
    found: ['telemetry-is-set-up-once: libs/messaging/src/relay.ts -> node_modules/@opentelemetry/sdk-trace/index.js'],
  },
  'libs-by-their-door': {
    files: {
      'libs/language/src/text.ts': 'export {};',
      'services/sales/src/sales.module.ts':
        "import '../../../libs/language/src/text.ts'; import '@throughline/language';",
    },
    found: ['libs-by-their-door: services/sales/src/sales.module.ts -> libs/language/src/text.ts'],
  },
  'kernel-knows-no-framework': {
    files: { 'libs/event-sourcing/src/store.ts': "import '@nestjs/common'; import '@throughline/messaging';" },
    found: [
      'kernel-knows-no-framework: libs/event-sourcing/src/store.ts -> libs/messaging/src/index.ts',
      'kernel-knows-no-framework: libs/event-sourcing/src/store.ts -> node_modules/@nestjs/common/index.js',
    ],
  },
  'libs-do-not-know-services': {
    files: { 'libs/service/src/edge.ts': `import '../../../${deal}';`, [deal]: '' },
    found: [`libs-do-not-know-services: libs/service/src/edge.ts -> ${deal}`],
  },
  'services-are-islands': {
    files: { 'services/customers/src/main.ts': `import '../../../${deal}';`, [deal]: '' },
    found: [`services-are-islands: services/customers/src/main.ts -> ${deal}`],
  },
  'domain-is-pure': {
    files: {
      [deal]: "import 'pg'; import 'node:fs'; import type { A } from './deal.dto.ts'; import '@throughline/messaging';",
      'services/sales/src/deal/deal.dto.ts': 'export type A = 1;',
    },
    found: [
      `domain-is-pure: ${deal} -> fs`,
      `domain-is-pure: ${deal} -> libs/messaging/src/index.ts`,
      `domain-is-pure: ${deal} -> node_modules/pg/index.js`,
      `domain-is-pure: ${deal} -> services/sales/src/deal/deal.dto.ts`,
    ],
  },
  'views-do-not-decide': {
    files: {
      'services/sales/src/deal/board.view.ts': "import './deal.ts'; import './deal.controller.ts';",
      'services/sales/src/deal/deal.controller.ts': '',
      [deal]: '',
    },
    found: [
      'views-do-not-decide: services/sales/src/deal/board.view.ts -> services/sales/src/deal/deal.controller.ts',
      `views-do-not-decide: services/sales/src/deal/board.view.ts -> ${deal}`,
    ],
  },
  'web-sees-only-contracts': {
    files: { 'apps/web/src/main.tsx': `import '@throughline/service'; import '../../../${deal}';`, [deal]: '' },
    found: [
      'web-sees-only-contracts: apps/web/src/main.tsx -> libs/service/src/index.ts',
      `web-sees-only-contracts: apps/web/src/main.tsx -> ${deal}`,
    ],
  },
};

describe('a boundary', () => {
  it('lets through what is allowed', () => {
    const found = violations({
      'libs/contracts/src/sales.ts': "import 'typebox';",
      'libs/event-sourcing/src/store.ts': "import '@throughline/contracts'; import 'pg';",
      'libs/service/src/edge.ts': "import '@nestjs/common'; import '@throughline/event-sourcing';",
      'services/sales/src/deal/pipeline.ts': "import '@throughline/language';",
      [deal]: "import '@throughline/contracts'; import '@throughline/event-sourcing'; import './pipeline.ts';",
      'services/sales/src/deal/deal.controller.ts': "import '@nestjs/common'; import './deal.ts';",
      'services/sales/src/deal/board.view.ts': "import '@throughline/event-sourcing';",
      'apps/web/src/main.tsx': "import '@throughline/contracts';",
      'apps/all-in-one/src/main.ts': "import '../../../services/sales/src/deal/deal.controller.ts';",
    });
    expect(found).toEqual([]);
  });

  it.each(Object.entries(offences))('bites: %s', (_rule, { files, found }) => {
    expect(violations(files).toSorted()).toEqual(found);
  });

  it('is proven for every rule', async () => {
    const { default: config } = (await import('../.dependency-cruiser.cjs' as string)) as {
      default: { forbidden: { name: string }[] };
    };
    expect(Object.keys(offences).toSorted()).toEqual(config.forbidden.map(({ name }) => name).toSorted());
  });
});

// `npm test [-- what Jest takes]`: every suite once, against a real Postgres, and a real Kafka and Elasticsearch where
// there is a JDK. The last line says `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { startEmbeddedPostgres } from '../libs/service/src/embedded-postgres.ts';
import { elasticsearchHome, kafkaLib } from './stack/artifacts.ts';
import { stackAvailable, startStack } from './stack.ts';

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);
const needsStack = /\.stack\.spec\.ts$/;
/** These start the whole CRM as processes, some of them with a stack of its own: they run one after the other. */
const startsAll = /\/apps\/[^/]+\/test\/[^/]+\.stack\.spec\.ts$/;
const temporary = await mkdtemp(join(tmpdir(), 'throughline-test-'));
await chmod(temporary, 0o711); // started by root, the servers run as another user
const resultFile = join(temporary, 'result.json');
const endings = [() => rm(temporary, { recursive: true, force: true })];

// What has been started ends with us; only the temporary folder needs a word.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => void end().then(() => process.exit(128 + constants.signals[signal])));
}

let code = 1;
try {
  code = await main();
} catch (error) {
  console.error(error.message);
  console.log('0 passed, 1 failed');
} finally {
  await end();
}
process.exit(code);

async function main() {
  const { output } = await jest(['--listTests', '--json', ...args], 'pipe');
  const suites = JSON.parse(output.slice(output.lastIndexOf('\n[') + 1));
  const onStack = suites.filter((file) => needsStack.test(file));

  // Its data go with the run: no test needs them after a crash of the machine.
  const postgres = await startEmbeddedPostgres({ dataDir: join(temporary, 'postgres'), durable: false });
  endings.unshift(() => postgres.stop());
  const databaseUrl = postgres.url('postgres');
  const env = { THROUGHLINE_TEST_DATABASE_URL: databaseUrl, THROUGHLINE_TEST_RESULT: resultFile };

  const missing = onStack.length > 0 ? await stackMissing() : undefined;
  if (onStack.length > 0 && !missing) {
    const dataDir = await inMemory();
    const stack = await startStack({ kafka: true, elasticsearch: true, dir: join(temporary, 'stack'), dataDir });
    endings.unshift(() => stack.stop());
    const { kafkaBrokers, searchUrl } = stack;
    env.THROUGHLINE_TEST_STACK = JSON.stringify({ kafkaBrokers, searchUrl, databaseUrl });
  }

  const exceptThese = new RegExp(`^(?!.*${startsAll.source})`);
  const runs = missing
    ? [{ leftOut: needsStack, workers: 3 }]
    : [
        { leftOut: startsAll, workers: 3 },
        { leftOut: exceptThese, workers: 1 },
      ];
  const reporters = ['--reporters=default', `--reporters=${join(root, 'tools', 'test-reporter.mjs')}`];
  let [passed, failed, code] = [0, 0, 0];
  const failures = [];
  for (const { leftOut, workers } of runs) {
    if (suites.every((file) => leftOut.test(file))) continue;
    const ignored = ['--testPathIgnorePatterns', leftOut.source, '/node_modules/'];
    const run = await jest([...reporters, `--maxWorkers=${workers}`, ...args, ...ignored], 'inherit', env);
    const counts = existsSync(resultFile)
      ? JSON.parse(readFileSync(resultFile, 'utf8'))
      : { passed: 0, failed: 1, failures: [] };
    [passed, failed, code] = [passed + counts.passed, failed + counts.failed, code || run.code];
    failures.push(...counts.failures);
    await rm(resultFile, { force: true });
  }

  if (missing) {
    console.log(`\nLeft out, because ${missing}:`);
    for (const file of onStack) console.log(`  ${relative(root, file)}`);
  }
  await end();
  if (failures.length > 0) console.log('\nFailed:');
  for (const { file, name } of failures) console.log(`  ${relative(root, file)}: ${name}`);
  if (passed + failed === 0) console.log('nothing ran');
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : code;
}

/** Why the suites that need Kafka and Elasticsearch cannot run here. */
async function stackMissing() {
  const available = stackAvailable();
  if (!available.ok) return available.reason;
  try {
    await kafkaLib();
    await elasticsearchHome();
    return undefined;
  } catch (error) {
    return error.message;
  }
}

/**
 * A folder in memory, where the machine has one with room. Kafka and Elasticsearch sync what they are told to the disk,
 * and wait for minutes where the disk is busy with everything else; no test needs their data after a crash of the machine.
 */
async function inMemory() {
  const shared = '/dev/shm';
  const room = await statfs(shared).catch(() => undefined);
  if (process.platform !== 'linux' || !room || room.bavail * room.bsize < 4e9) return undefined;
  for (const name of await readdir(shared)) {
    // Of a run that was killed.
    const pid = /^throughline-test-(\d+)-/.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) await rm(join(shared, name), { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(shared, `throughline-test-${process.pid}-`));
  await chmod(folder, 0o711);
  endings.unshift(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function jest(args, output, env = {}) {
  const child = spawn(process.execPath, [join(root, 'node_modules', 'jest', 'bin', 'jest.js'), ...args], {
    cwd: root,
    stdio: ['inherit', output, 'inherit'],
    env: {
      ...process.env,
      ...env,
      NODE_OPTIONS: ['typescript.mjs', 'jest/hooks.mjs']
        .map((hooks) => `--import=${import.meta.resolve(`./${hooks}`)}`)
        .concat('--disable-warning=TimeoutNegativeWarning') // kafkajs
        .join(' '),
    },
  });
  endings.unshift(() => void child.kill());
  let text = '';
  child.stdout?.on('data', (chunk) => (text += chunk));
  const code = await new Promise((done, failed) =>
    child.once('error', failed).once('close', (exit) => done(exit ?? 1)),
  );
  endings.shift();
  return { code, output: `\n${text}` };
}

async function end() {
  while (endings.length > 0) await endings.shift()();
}

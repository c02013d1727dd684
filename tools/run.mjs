// npm's scripts end here. Runs on the machine's own Node (20 or newer): installs what is missing, then starts the task
// on the Node that the project brings.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tasks = {
  start: 'apps/all-in-one/src/main.ts',
  services: 'tools/services.ts',
  stack: 'tools/stack.ts',
  test: 'tools/test.mjs',
  check: 'tools/check.mjs',
  bench: 'bench/run.ts',
  chaos: 'apps/chaos/src/main.ts',
  demo: 'apps/demo/src/main.ts',
  contracts: 'tools/contracts.ts',
  operations: 'tools/operations.ts',
  backup: 'tools/backup.ts',
  restore: 'tools/restore.ts',
  views: 'tools/views.ts',
  match: 'tools/match.ts',
};
const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const marker = join(modules, '.throughline-setup');

const [task, ...args] = process.argv.slice(2);
if (!Object.hasOwn(tasks, task ?? '')) fail(`usage: node tools/run.mjs ${Object.keys(tasks).join('|')}`);
if (Number(process.versions.node.split('.')[0]) < 20) fail(`Node 20 or newer is needed, this is ${process.version}`);
setUp();
if (!existsSync(join(root, tasks[task]))) fail(`${task}: there is no ${tasks[task]}`);
run();

function setUp() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === hash) return;
  if (!isInstalled(JSON.parse(lock.toString()).packages)) {
    console.error('installing the packages (once)');
    // The project's Node is about to be replaced: npm must run on the machine's.
    const path = process.env.PATH.split(delimiter).filter((place) => !place.includes('node_modules'));
    const npm = (command, stdio) =>
      spawnSync('npm', [...command, '--no-fund', '--no-audit', '--loglevel=error'], {
        cwd: root,
        env: { ...process.env, PATH: path.join(delimiter), NX_NO_CLOUD: 'true' },
        stdio,
        shell: process.platform === 'win32',
      });
    // npm refuses a lock that lacks the native packages of other platforms; an install keeps to the same versions.
    if (npm(['ci'], 'ignore').status !== 0) {
      const { status, error } = npm(['install', '--no-save'], ['ignore', 2, 2]);
      if (status !== 0) fail(`the packages could not be installed (${error?.message ?? status})`);
    }
  }
  writeFileSync(marker, hash);
}

/** Whether somebody has run `npm ci` already. */
function isInstalled(wanted) {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record) || !existsSync(join(modules, 'node', 'bin', 'node'))) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const same = (path) =>
    installed[path]?.version === wanted[path].version && installed[path]?.link === wanted[path].link;
  return Object.keys(wanted).every(
    (path) => !path.startsWith('node_modules/') || same(path) || (wanted[path].optional && !installed[path]),
  );
}

function run() {
  const child = spawn(
    join(modules, '.bin', 'node'),
    [
      '--disable-warning=TimeoutNegativeWarning', // kafkajs
      '--import',
      import.meta.resolve('./typescript.mjs'),
      join(root, tasks[task]),
      ...args,
    ],
    { cwd: root, stdio: 'inherit' },
  );
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => {
    if (signal) process.removeAllListeners(signal);
    if (signal) process.kill(process.pid, signal);
    else process.exit(code);
  });

  // A terminal sends Ctrl-C to the child itself.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  if (process.platform === 'win32') return;

  // Killed without a word, we leave nothing behind: the guard reads a pipe which only we hold. Nor does a killed npm.
  const guard = spawn('sh', ['-c', 'read -r _; kill -s TERM "$0"', String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('exit', () => guard.kill('SIGKILL'));
  const above = parents();
  if (process.env.npm_lifecycle_event) {
    setInterval(() => parents() === above || child.kill('SIGTERM'), 1_000).unref();
  }
}

/** npm, and the shell which it may have put between itself and us. */
function parents() {
  let grandparent = '';
  try {
    grandparent = /^PPid:.*/m.exec(readFileSync(`/proc/${process.ppid}/status`, 'utf8'))?.[0];
  } catch {
    // not Linux
  }
  return `${process.ppid} ${grandparent}`;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

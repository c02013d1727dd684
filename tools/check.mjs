// `npm run check`: types, lint, boundaries, format. Nx runs them side by side and remembers what has not changed.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const steps = ['types', 'lint', 'boundaries', 'format'];
const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

const nx = spawn(
  process.execPath,
  [
    join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js'),
    'run-many',
    '-t',
    ...steps,
    '-p',
    'throughline',
    '--outputStyle=static',
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NX_DAEMON: 'false',
      NX_NO_CLOUD: 'true',
      NX_TUI: 'false',
      NX_INTERACTIVE: 'false',
      CI: 'true',
    },
  },
);
let output = '';
for (const stream of [nx.stdout, nx.stderr]) {
  stream.on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
}
nx.on('close', (code) => {
  const failures = output.replaceAll(ansi, '').split('Failed tasks:')[1];
  const failed = steps.filter((step) => code !== 0 && (!failures || failures.includes(`- throughline:${step}\n`)));
  // .ci/run counts these lines.
  for (const step of steps) console.log(`${step} ${failed.includes(step) ? 'failed' : 'passed'}`);
  process.exit(code === 0 ? 0 : 1);
});

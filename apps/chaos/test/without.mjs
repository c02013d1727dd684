// Preloaded by `node --import`, behind tools/typescript.mjs: takes lines out of sources as they are loaded. `CHAOS_WITHOUT`
// is a JSON list of `{ file, text, instead }`. The process ends with code 3 where a text is not, or no longer, there.
import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..', '..', '..');
const { transformSync } = createRequire(import.meta.url)('@swc/core');
const options = JSON.parse(readFileSync(join(root, '.swcrc'), 'utf8'));
const changes = JSON.parse(process.env.CHAOS_WITHOUT ?? '[]');
const left = new Set(changes);

registerHooks({
  load(url, context, next) {
    const filename = url.startsWith('file:') ? fileURLToPath(url) : '';
    const own = changes.filter(({ file }) => filename === join(root, file));
    if (own.length === 0) return next(url, context);
    let text = readFileSync(filename, 'utf8');
    for (const change of own) {
      if (text.split(change.text).length !== 2) give(`${change.file} does not have it once: ${change.text}`);
      text = text.replace(change.text, () => change.instead);
      left.delete(change);
    }
    const source = transformSync(text, { ...options, filename, swcrc: false }).code;
    return { format: 'module', shortCircuit: true, source };
  },
});
process.on('exit', () => {
  for (const { file } of left) give(`${file} was not loaded`);
});

function give(reason) {
  process.stderr.write(`${reason}\n`);
  process.reallyExit(3);
}

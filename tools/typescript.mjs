// Preloaded by `node --import`: compiles TypeScript as it is imported, decorators with metadata included, and keeps what
// it made. Node strips types by itself, but not decorators. See docs/adr/0011.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, enableCompileCache, registerHooks, setSourceMapsSupport } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, 'node_modules', '.cache', 'throughline');
const require = createRequire(import.meta.url);
const options = readFileSync(join(root, '.swcrc'), 'utf8');
const { version } = JSON.parse(readFileSync(require.resolve('@swc/core/package.json'), 'utf8'));

setSourceMapsSupport(true);
enableCompileCache(join(cache, 'bytecode'));
registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    return { format: 'module', shortCircuit: true, source: compiled(fileURLToPath(url)) };
  },
});

/** The JavaScript of a TypeScript file. */
export function compiled(path) {
  const source = readFileSync(path, 'utf8');
  const made = join(cache, createHash('sha256').update(`${version}\0${options}\0${path}\0${source}`).digest('hex'));
  try {
    return readFileSync(made, 'utf8');
  } catch {
    // Not compiled before.
  }
  const { code } = require('@swc/core').transformSync(source, { ...JSON.parse(options), filename: path, swcrc: false });
  try {
    mkdirSync(cache, { recursive: true });
    // Written aside first: other processes start at the same moment.
    writeFileSync(`${made}.${process.pid}`, code);
    renameSync(`${made}.${process.pid}`, made);
  } catch {
    // A read-only file system: compiled anew at every start.
  }
  return code;
}

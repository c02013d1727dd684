// Compiles every source ahead of its first start: for an image, which is not written to later.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from './typescript.mjs';

const root = join(import.meta.dirname, '..');
for (const path of globSync('{libs,services,apps}/**/*.ts', { cwd: root })) compiled(join(root, path));

// `npm run contracts -- docs|release`: what is written from the contracts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dictionary } from '@throughline/contracts';
import { asyncApi } from './contracts/asyncapi.ts';
import { eventsPage } from './contracts/events-page.ts';
import { brokenPromises, snapshotOf, type Released } from './contracts/released.ts';

const root = join(import.meta.dirname, '..');
const releasedFile = join(root, 'libs/contracts/released.json');
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** Path from the root -> what should be in it. */
export function docs(): Readonly<Record<string, string>> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { 'docs/events.md': eventsPage(dictionary), 'docs/asyncapi.json': json(asyncApi(dictionary, version)) };
}

/** Remembers what is promised from now on; what was promised before must still hold. */
function release(): void {
  const present = snapshotOf(dictionary);
  const released = existsSync(releasedFile) ? (JSON.parse(readFileSync(releasedFile, 'utf8')) as Released) : {};
  const broken = brokenPromises(released, present);
  if (broken.length > 0) throw new Error(`the contracts break what was released:\n${broken.join('\n')}`);
  writeFileSync(releasedFile, json(present));
}

const tasks: Readonly<Record<string, () => void>> = {
  docs: () => {
    for (const [file, content] of Object.entries(docs())) writeFileSync(join(root, file), content);
  },
  release,
};

if (import.meta.main) {
  try {
    const task = tasks[process.argv[2] ?? ''];
    if (!task) throw new Error(`usage: npm run contracts -- ${Object.keys(tasks).join('|')}`);
    task();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

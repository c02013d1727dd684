import { randomBytes } from 'node:crypto';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Raised when a release can no longer read what an older one left, or writes what an older one cannot read. */
const dataVersion = 1;

/** @throws Error of one line where the folder was written by a newer release */
export async function checkDataVersion(dataDir: string): Promise<void> {
  const file = join(dataDir, 'VERSION');
  const found = await readFile(file, 'utf8').catch(() => undefined);
  if (found === undefined) return writeWhole(file, `${dataVersion}\n`);
  if (!(Number(found) <= dataVersion)) {
    throw new Error(
      `the data in ${dataDir} was written by a newer release (version ${found.trim()}, this one knows ${dataVersion})`,
    );
  }
}

/** A secret that is made once, in a file that only its owner can read. */
export async function kept(file: string, bytes: number): Promise<string> {
  const found = await readFile(file, 'utf8').catch(() => undefined);
  if (found?.trim()) return found.trim();
  const secret = randomBytes(bytes).toString(bytes === 32 ? 'hex' : 'base64url');
  await writeWhole(file, `${secret}\n`);
  return secret;
}

/** A crash in the middle leaves the old file or the new one. */
async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600, flush: true });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
}

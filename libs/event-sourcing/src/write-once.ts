import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Objects that are written once under a name and never again: a folder, or a bucket whose objects are locked. Names are
 * paths of letters, digits, `-`, `.` and `/`.
 */
export interface WriteOnce {
  /** Whole or not at all; false where the name is taken. */
  put(name: string, content: string): Promise<boolean>;
  /** Names below `folder/`, without it, sorted. */
  list(folder: string): Promise<string[]>;
  get(name: string): Promise<string | undefined>;
}

const codeOf = (error: unknown) => (error as { code?: string }).code;

/** A folder of files. What was begun and not finished has a name that starts with a dot, and counts for nothing. */
export function writeOnceFolder(folder: string): WriteOnce {
  return {
    async put(name, content) {
      const file = join(folder, name);
      await mkdir(dirname(file), { recursive: true });
      const begun = join(dirname(file), `.${randomBytes(8).toString('hex')}`);
      try {
        await writeThrough(begun, content);
        // Fails where the name is taken, unlike a rename.
        await link(begun, file);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      } finally {
        await rm(begun, { force: true });
      }
      await syncFolder(dirname(file));
      return true;
    },
    async list(below) {
      try {
        const names = await readdir(join(folder, below));
        return names.filter((name) => !name.startsWith('.')).toSorted();
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw error;
      }
    },
    async get(name) {
      try {
        return await readFile(join(folder, name), 'utf8');
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}

async function writeThrough(file: string, content: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A new name is on the disk only when its folder is. Windows does not let folders be opened. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

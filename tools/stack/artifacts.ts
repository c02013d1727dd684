import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Everything that is fetched or written by the stack lives here; git ignores it. */
export const stackDir = join(import.meta.dirname, '..', '..', '.stack');

const kafka = join(stackDir, 'kafka-4.1.1');
const elasticsearch = join(stackDir, 'elasticsearch-8.19.21');
const pom = join(import.meta.dirname, 'pom.xml');
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

export type Java = { version: number; home: string };

/** The machine's JDK: the one of JAVA_HOME, else the one on the path. */
export function findJava(): Java | undefined {
  const home = process.env['JAVA_HOME'];
  const candidates = [...(home ? [join(home, 'bin', 'java')] : []), 'java'];
  for (const command of candidates) {
    const { stderr, error } = spawnSync(command, ['-XshowSettings:properties', '-version'], { encoding: 'utf8' });
    const property = (name: string) => new RegExp(`^\\s*${name} = (.*)$`, 'm').exec(stderr)?.[1]?.trim();
    if (error || !property('java.home')) continue;
    return { version: Number(property('java.specification.version')), home: property('java.home')! };
  }
  return undefined;
}

/** Whether a Kafka and an Elasticsearch can be started here. */
export function stackAvailable(): { ok: true } | { ok: false; reason: string } {
  const java = findJava();
  if (!java) return { ok: false, reason: 'there is no Java here: Kafka and Elasticsearch need a JDK 17 or newer' };
  if (!(java.version >= 17)) {
    return { ok: false, reason: `the Java here is ${java.version}: Kafka and Elasticsearch need a JDK 17 or newer` };
  }
  const fetched = existsSync(kafka) && existsSync(elasticsearch);
  if (!fetched && !existsOnPath('mvn')) {
    return { ok: false, reason: 'there is no Maven (mvn) here, which fetches Kafka and Elasticsearch' };
  }
  return { ok: true };
}

const existsOnPath = (command: string) =>
  (spawnSync('sh', ['-c', `command -v ${command}`]) as SpawnSyncReturns<Buffer>).status === 0;

/** Kafka's jars, fetched on the first use. */
export const kafkaLib = () =>
  fetched(kafka, 'Kafka 4.1.1', (into) => [
    `${plugin}:copy-dependencies`,
    '-f',
    pom,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${into}`,
  ]);

/** Elasticsearch's folder, fetched and unpacked on the first use. */
export const elasticsearchHome = async () => {
  const folder = await fetched(elasticsearch, 'Elasticsearch 8.19.21', (into) => [
    `${plugin}:unpack`,
    '-Dartifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:8.19.21:zip',
    `-DoutputDirectory=${into}`,
    `-DmarkersDirectory=${join(into, 'markers')}`,
  ]);
  return join(folder, 'elasticsearch-8.19.21');
};

/** Fetched beside its place and renamed: what is there is whole. */
async function fetched(folder: string, name: string, goal: (into: string) => string[]): Promise<string> {
  if (existsSync(folder)) return folder;
  console.error(`fetching ${name} from Maven Central (once)`);
  const into = `${folder}.${process.pid}`;
  await mkdir(into, { recursive: true });
  try {
    const maven = spawn('mvn', ['-q', '-B', ...goal(into)], { cwd: into, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [maven.stdout, maven.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const code = await new Promise((done, failed) => maven.once('error', failed).once('close', done));
    if (code !== 0) {
      const why = output.split('\n').find((line) => line.includes('[ERROR]')) ?? output;
      throw new Error(`could not fetch ${name}: ${why.replace('[ERROR] ', '').trim()}`);
    }
    await rename(into, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // another process was first
    });
    return folder;
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}

import { existsSync } from 'node:fs';
import { chown, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, unprivileged } from '../../libs/service/src/embedded-postgres.ts';
import { elasticsearchHome, findJava } from './artifacts.ts';
import { type Part, part } from './part.ts';

/** An Elasticsearch of one node, without security, in `dir`, with its indexes in `data`. */
export async function elasticsearchPart(dir: string, data = join(dir, 'data')): Promise<{ part: Part; url: string }> {
  const java = findJava()!;
  const [port, transportPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const home = await elasticsearchHome();
  const user = await unprivileged(dir, [join(home, 'bin')]); // it refuses to run as root
  const conf = join(dir, 'config');
  for (const folder of [conf, data, join(dir, 'logs'), join(dir, 'tmp')]) await mkdir(folder, { recursive: true });
  if (!existsSync(join(conf, 'jvm.options'))) await cp(join(home, 'config'), conf, { recursive: true });
  await writeFile(join(conf, 'elasticsearch.yml'), settings({ dir, data, port, transportPort }));
  if (user.uid !== undefined) for (const folder of [dir, data]) await own(folder, user.uid, user.gid!);

  return {
    url,
    part: part({
      name: 'Elasticsearch',
      command: join(home, 'bin', 'elasticsearch'),
      args: [],
      env: {
        PATH: process.env['PATH'],
        LC_ALL: 'C.UTF-8',
        ES_JAVA_HOME: java.home,
        ES_JAVA_OPTS: '-Xms512m -Xmx512m',
        ES_PATH_CONF: conf,
        ES_TMPDIR: join(dir, 'tmp'),
      },
      cwd: dir,
      user,
      logFile: join(dir, 'logs', 'stdout.log'),
      port,
      async ready() {
        const answer = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=5s`);
        if (!answer.ok) throw new Error(`its health is ${answer.status}`);
      },
    }),
  };
}

const settings = (at: { dir: string; data: string; port: number; transportPort: number }) => `\
cluster.name: throughline-stack
node.name: stack
discovery.type: single-node
network.host: 127.0.0.1
http.port: ${at.port}
transport.port: ${at.transportPort}
path.data: ${at.data}
path.logs: ${join(at.dir, 'logs')}
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
`;

async function own(folder: string, uid: number, gid: number): Promise<void> {
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    await (entry.isDirectory() ? own(path, uid, gid) : chown(path, uid, gid));
  }
}

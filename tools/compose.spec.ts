import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig } from '../libs/service/src/config.ts';

// No Docker engine and no cluster is needed here: what can be known from the files is held against the code.

const root = join(import.meta.dirname, '..');
const text = (path: string) => readFileSync(join(root, path), 'utf8');
const packageJson = JSON.parse(text('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
> & { version: string };

const packages = { ...packageJson.devDependencies, ...packageJson.dependencies };

const services = globSync('services/*/package.json', { cwd: root })
  .map((path) => dirname(path).slice('services/'.length))
  .toSorted();
/** Every variable that the code reads. */
const variables = new Set(
  ['libs/service/src/config.ts', 'libs/service/src/process.ts', 'apps/all-in-one/src/all-in-one.ts']
    .concat('deploy/entrypoint.sh')
    .flatMap((path) => text(path).match(/\b(?:PORT|(?:THROUGHLINE|OTEL)_[A-Z_]+)\b/g) ?? []),
);
const probes = [...text('libs/service/src/health.controller.ts').matchAll(/@Get\('(\w+)'\)/g)].map(
  ([, path]) => `/${path}`,
);
const kafkaVersion = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>(.*)<\/version>/.exec(
  text('tools/stack/pom.xml'),
)?.[1];
const elasticsearchVersion = /'elasticsearch-([\d.]+)'/.exec(text('tools/stack/artifacts.ts'))?.[1];

const masterKey = '5e'.repeat(32);
const urlOf = (service: string) => `THROUGHLINE_${service.toUpperCase()}_URL`;
/** A tag that says a version to its patch, or a digest. */
const pinned = /(?::v?\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})$/;

describe('the image', () => {
  const dockerfile = text('deploy/Dockerfile');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(?:--chmod=\d+ )?(.+) \S+$/gm)].flatMap(([, sources]) =>
    sources!.split(' '),
  );
  const instruction = (name: string) => new RegExp(`^${name} ((?:.*\\\\\\n)*.*)`, 'm').exec(dockerfile)?.[1];
  const entrypoint = (name: string) =>
    spawnSync('sh', [join(root, 'deploy/entrypoint.sh'), name], { cwd: root, encoding: 'utf8', env: {} });

  it('is made of files that are there, and that Docker is shown', () => {
    const shown = text('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(copied.filter((path) => !shown.some((one) => path === one || path.startsWith(`${one}/`)))).toEqual([]);
    expect(shown.filter((one) => !copied.some((path) => path === one || path.startsWith(`${one}/`)))).toEqual([]);
  });

  it('runs on the Node that the project brings', () => {
    expect(/^ARG NODE_VERSION=(.*)$/m.exec(dockerfile)?.[1]).toBe(packages['node']);
    expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)).toEqual(
      Array(3).fill('node:${NODE_VERSION}-slim'),
    );
  });

  it('does not run as root, listens where others reach it, and says whether it lives', () => {
    expect(instruction('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(instruction('ENV')).toContain('THROUGHLINE_HOST=0.0.0.0');
    expect(instruction('HEALTHCHECK')).toContain(probes[0]);
    expect(dockerfile).not.toMatch(/(?:KEY|PASSWORD|SECRET|TOKEN)=/);
  });

  it('starts a service as `npm run services` does, with packages that a production install has', () => {
    expect(packageJson.dependencies['@swc/core']).toBeDefined();
    const flags = ['--disable-warning=TimeoutNegativeWarning', 'typescript.mjs'];
    for (const flag of flags) {
      expect(text('deploy/entrypoint.sh')).toContain(flag);
      expect(text('tools/services.ts')).toContain(flag);
    }
  });

  it.each(['', 'nothing', '../services/sales', 'gateway/src/main.ts', 'gateway; true'])(
    'refuses to start "%s"',
    (name) => {
      const { status, stderr } = entrypoint(name);
      expect(status).toBe(64);
      expect(stderr).toContain('THROUGHLINE_SERVICE');
    },
  );
});

type Service = {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  mem_limit?: string;
};
type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> };

const placeholder = /\$\{(\w+)(?::([-?])([^}]*))?\}/g;

/** As compose does it: `${NAME:-default}`, `${NAME:?message}`. */
function interpolated(value: string, environment: Record<string, string>): string {
  return value.replace(placeholder, (_, name: string, operator: string | undefined, rest: string) => {
    if (environment[name]) return environment[name];
    if (operator === '?') throw new Error(`${name}: ${rest}`);
    return rest ?? '';
  });
}

describe('docker-compose.yml', () => {
  const source = text('docker-compose.yml');
  const compose = parse(source, { merge: true }) as Compose;
  const ours = Object.entries(compose.services).filter(([, { build }]) => build);
  const given = {
    POSTGRES_PASSWORD: 'letters',
    THROUGHLINE_MASTER_KEY: masterKey,
    THROUGHLINE_ADMIN_EMAIL: 'admin@example.com',
    THROUGHLINE_ADMIN_PASSWORD: 'a long one',
  };
  const environmentOf = (service: Service) =>
    Object.fromEntries(Object.entries(service.environment).map(([name, value]) => [name, interpolated(value, given)]));

  it('runs every service from its main.ts, and nothing else of ours', () => {
    expect(ours.map(([name]) => name).toSorted()).toEqual(services);
    for (const [name, { command, build, image }] of ours) {
      expect(command).toEqual([name]);
      expect(existsSync(join(root, 'services', name, 'src/main.ts'))).toBe(true);
      expect(existsSync(join(root, build!.context, build!.dockerfile))).toBe(true);
      expect(image).toBe(`throughline:${packageJson.version}`);
    }
  });

  it('gives only variables that the code reads, and asks for no others', () => {
    const names = ours.flatMap(([, { environment }]) => Object.keys(environment));
    expect(names.filter((name) => !variables.has(name))).toEqual([]);
    const asked = [...source.matchAll(placeholder)].map(([, name]) => name!);
    expect(asked.filter((name) => !variables.has(name) && name !== 'POSTGRES_PASSWORD')).toEqual([]);
  });

  it.each(ours)('configures %s so that it starts', (_, service) => {
    const { role, port, kafkaBrokers } = readConfig(environmentOf(service));
    expect({ role, port, kafkaBrokers }).toEqual({ role: 'all', port: 3000, kafkaBrokers: 'kafka:9092' });
    expect(environmentOf(service)['THROUGHLINE_HOST']).toBe('0.0.0.0');
  });

  it('has no secret in it, and does not start without the ones that must be given', () => {
    const secrets = Object.values(compose.services).flatMap(({ environment }) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|KEY|SECRET|TOKEN/.test(name)),
    );
    expect(secrets.filter(([, value]) => !/^\$\{\w+:(-|\?.+)\}$/.test(value))).toEqual([]);
    for (const missing of Object.keys(given)) {
      const rest = Object.fromEntries(Object.entries(given).filter(([name]) => name !== missing));
      expect(() => interpolated(source, rest)).toThrow(missing);
    }
  });

  it('names addresses where a service of its own listens', () => {
    for (const [name, service] of ours) {
      const environment = environmentOf(service);
      for (const other of services) expect(environment[urlOf(other)]).toBe(`http://${other}:3000`);
      const addresses = ['THROUGHLINE_DATABASE_URL', 'THROUGHLINE_SEARCH_URL'].flatMap((key) => environment[key] ?? []);
      const hosts = addresses.map((address) => new URL(address).hostname);
      expect(hosts).toEqual(name === 'analytics' ? ['postgres', 'elasticsearch'] : ['postgres']);
    }
    expect(compose.services['kafka']!.environment['KAFKA_ADVERTISED_LISTENERS']).toBe('PLAINTEXT://kafka:9092');
  });

  it('waits only for what is there, and for health only of what says it', () => {
    for (const { depends_on: needs = {} } of Object.values(compose.services)) {
      for (const [name, { condition }] of Object.entries(needs)) {
        expect(['service_started', 'service_healthy']).toContain(condition);
        expect(compose.services[name]?.healthcheck).toBeDefined();
      }
    }
    for (const [, { depends_on: needs, healthcheck }] of ours) {
      expect(needs?.['postgres']).toEqual({ condition: 'service_healthy' });
      expect(probes.some((path) => healthcheck!.test.join(' ').includes(path))).toBe(true);
    }
  });

  it('publishes the gateway to all, the database to this machine, and nothing else', () => {
    const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => `${name} ${interpolated(port, {})}`),
    );
    expect(published).toEqual(['gateway 3000:3000', 'postgres 127.0.0.1:5433:5432']);
  });

  it('pins its images, to the versions that `npm run stack` runs', () => {
    const images = Object.values(compose.services).map(({ image }) => image);
    expect(images.filter((image) => !pinned.test(image))).toEqual([]);
    expect(compose.services['kafka']!.image).toBe(`apache/kafka:${kafkaVersion}`);
    expect(compose.services['elasticsearch']!.image).toMatch(new RegExp(`:${elasticsearchVersion}$`));
    expect(compose.services['postgres']!.image).toMatch(/^postgres:18\./);
  });

  it('keeps the data of all that has some, and bounds the memory of everything', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(':')[0]!),
    );
    expect([...new Set(mounted)].toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
    expect(Object.keys(compose.volumes).toSorted()).toEqual(['anchors', 'elasticsearch', 'kafka', 'postgres']);
    for (const name of services) expect(compose.services[name]?.volumes).toEqual(['anchors:/anchors']);
    for (const { mem_limit: limit } of Object.values(compose.services)) expect(limit).toMatch(/^\d+[mg]$/);
  });
});

describe('docs/operations.md', () => {
  it('tells of every variable that the code reads', () => {
    const told = new Set(text('docs/operations.md').match(/\b(?:PORT|(?:THROUGHLINE|OTEL)_[A-Z_]+)\b/g));
    const urls = services.map(urlOf);
    expect([...variables].filter((name) => !told.has(name) && !urls.includes(name))).toEqual([]);
  });
});

type Named = { name: string };
type EnvVar = Named & {
  value?: string;
  valueFrom?: {
    secretKeyRef?: Named & { key: string; optional?: boolean };
    fieldRef?: { fieldPath: string };
  };
};
type Probe = { httpGet: { path: string; port: string } };
type Container = Named & {
  image: string;
  ports: (Named & { containerPort: number })[];
  env: EnvVar[];
  envFrom: { configMapRef: Named }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: object;
} & Record<'startupProbe' | 'readinessProbe' | 'livenessProbe', Probe>;
type Labels = Record<string, string>;
type PodSpec = { containers: [Container]; securityContext: object } & Record<string, unknown>;
type Resource = {
  apiVersion: string;
  kind: string;
  metadata: Named & { namespace?: string; labels?: Labels };
  data?: Record<string, string>;
  spec: {
    replicas?: number;
    selector?: Labels & { matchLabels?: Labels };
    template?: { metadata: { labels: Labels; annotations?: Labels }; spec: PodSpec };
    ports?: { port: number; targetPort: string }[];
    rules?: { http: { paths: { backend: { service: Named & { port: Named } } }[] } }[];
    [field: string]: unknown;
  };
};

const k8s = globSync('deploy/k8s/**/*.yaml', { cwd: root });
const renderer = (
  [
    ['kubectl', 'kustomize'],
    ['kustomize', 'build'],
  ] as const
).find(([command]) => spawnSync(command, ['version', '--client']).error === undefined);

/** What an overlay comes to. */
function rendered(overlay: string): Resource[] {
  const [command, task] = renderer!;
  const folder = join(root, 'deploy/k8s/overlays', overlay);
  const { stdout, stderr, status } = spawnSync(command, [task, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Resource);
}

describe('deploy/k8s', () => {
  it('is well-formed', () => {
    const faults = k8s.flatMap((path) =>
      parseAllDocuments(text(path)).flatMap(({ errors }) => errors.map(({ message }) => `${path}: ${message}`)),
    );
    expect(k8s.length).toBeGreaterThan(20);
    expect(faults).toEqual([]);
  });

  it('has no file that no overlay reaches, and reaches none that is not there', () => {
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      if (!path.endsWith('kustomization.yaml')) return;
      type Kustomization = Partial<Record<'resources' | 'components', string[]>> & {
        patches?: { path?: string }[];
        configMapGenerator?: { envs?: string[] }[];
      };
      const {
        resources = [],
        components = [],
        patches = [],
        configMapGenerator = [],
      } = parse(text(path)) as Kustomization;
      const files = [
        ...resources,
        ...components,
        ...patches.flatMap(({ path: file }) => file ?? []),
        ...configMapGenerator.flatMap(({ envs = [] }) => envs),
      ];
      for (const file of files) {
        const target = normalize(join(dirname(path), file));
        visit(/\.\w+$/.test(target) ? target : join(target, 'kustomization.yaml'));
      }
    };
    for (const overlay of ['dev', 'prod']) visit(`deploy/k8s/overlays/${overlay}/kustomization.yaml`);
    expect([...seen].filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(k8s.filter((path) => !seen.has(path))).toEqual([]);
  });

  it('gives the workers a place for anchors', () => {
    type Patch = { op: string; path: string; value: Record<string, unknown> };
    const { patches } = parse(text('deploy/k8s/base/roles/worker/kustomization.yaml')) as {
      patches: { patch: string }[];
    };
    const added = patches.flatMap(({ patch }) => parse(patch) as Patch[]).map(({ value }) => value);
    expect(added).toContainEqual({ name: 'THROUGHLINE_ANCHOR_DIR', value: '/anchors' });
    expect(added).toContainEqual({ name: 'anchors', mountPath: '/anchors' });
    const claim = parse(text('deploy/k8s/base/anchors.yaml')) as { metadata: { name: string } };
    expect(added).toContainEqual({ name: 'anchors', persistentVolumeClaim: { claimName: claim.metadata.name } });
  });

  it('configures nothing that the code does not read', () => {
    const names = [...text('deploy/k8s/base/throughline.env').matchAll(/^(\w+)=/gm)].map(([, name]) => name!);
    expect(names.filter((name) => !variables.has(name))).toEqual([]);
  });

  // Where neither kubectl nor kustomize is at hand, the files alone are checked.
  for (const overlay of renderer ? ['dev', 'prod'] : []) {
    describe(`rendered for ${overlay}`, () => {
      const resources = rendered(overlay);
      const of = (kind: string) => resources.filter((resource) => resource.kind === kind);
      const named = (kind: string, name: string) => of(kind).find(({ metadata }) => metadata.name === name);
      const deployments = of('Deployment').map((deployment) => {
        const { labels } = deployment.spec.template!.metadata;
        const [container] = deployment.spec.template!.spec.containers;
        return { name: deployment.metadata.name, deployment, labels, container };
      });
      const reaches = (selector: Labels) =>
        deployments
          .filter(({ labels }) => Object.entries(selector).every(([key, value]) => labels[key] === value))
          .map(({ name }) => name);
      const samples: Record<string, string> = {
        'throughline-db-app uri': 'postgresql://throughline:letters@throughline-db-rw.throughline:5432/throughline',
        'throughline master-key': masterKey,
        'throughline admin-email': 'admin@example.com',
        'throughline admin-password': 'a long one',
        'throughline admin-api-key': 'tl_key',
        'throughline bi-password': 'letters',
        'throughline-es-elastic-user elastic': 'letters',
      };
      /** What a process of the deployment would find in its environment, in the order in which Kubernetes fills it. */
      const environmentOf = ({ labels, container }: (typeof deployments)[number]) => {
        const environment: Record<string, string> = {};
        for (const { configMapRef } of container.envFrom) {
          Object.assign(environment, named('ConfigMap', configMapRef.name)?.data);
        }
        for (const { name, value, valueFrom } of container.env) {
          const secret = valueFrom?.secretKeyRef;
          const label = /^metadata\.labels\['(.*)'\]$/.exec(valueFrom?.fieldRef?.fieldPath ?? '')?.[1];
          const found = secret ? samples[`${secret.name} ${secret.key}`] : label ? labels[label] : value;
          environment[name] = (found ?? '').replace(
            /\$\((\w+)\)/g,
            (whole, other: string) => environment[other] ?? whole,
          );
        }
        return environment;
      };

      it('runs every service as api and as worker, in one namespace', () => {
        const expected = services.flatMap((service) => [`${service}-api`, `${service}-worker`]);
        expect(deployments.map(({ name }) => name).toSorted()).toEqual(expected.toSorted());
        expect(new Set(resources.map(({ metadata }) => metadata.namespace)).size).toBe(1);
      });

      it.each(deployments)('configures $name so that it starts', (deployment) => {
        const environment = environmentOf(deployment);
        const own = Object.keys(environment).filter((name) => name !== 'ELASTIC_PASSWORD');
        expect(own.filter((name) => !variables.has(name))).toEqual([]);
        const config = readConfig(environment);
        const service = environment['THROUGHLINE_SERVICE']!;
        expect(deployment.name).toBe(`${service}-${config.role}`);
        expect(existsSync(join(root, 'services', service, 'src/main.ts'))).toBe(true);
        expect(deployment.container.ports).toEqual([
          { name: 'http', containerPort: config.port },
          { name: 'metrics', containerPort: config.metricsPort },
        ]);
        expect(deployment.deployment.spec.template!.metadata.annotations).toEqual({
          'prometheus.io/scrape': 'true',
          'prometheus.io/port': String(config.metricsPort),
          'prometheus.io/path': '/metrics',
        });
        expect(config.kafkaBrokers).toBe(`${of('Kafka')[0]!.metadata.name}-kafka-bootstrap:9092`);
        expect(config.kafkaReplicationFactor).toBe(of('KafkaNodePool')[0]!.spec.replicas);
        const search = `http://elastic:letters@${of('Elasticsearch')[0]!.metadata.name}-es-http:9200`;
        expect(config.searchUrl).toBe(service === 'analytics' ? search : undefined);
        for (const other of services) {
          const { hostname, port } = new URL(environment[urlOf(other)]!);
          expect(named('Service', hostname)?.spec.ports).toEqual([
            { name: 'http', port: Number(port), targetPort: 'http' },
          ]);
        }
      });

      it('asks for no secrets but those that docs/operations.md tells of, and brings none', () => {
        const made = ['throughline-db-app', 'throughline-es-elastic-user']; // by the operators
        const asked = deployments.flatMap(({ container }) =>
          container.env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []),
        );
        const told = text('docs/operations.md');
        const untold = asked.filter(
          ({ name, key }) => !made.includes(name) && !told.includes(`--from-literal=${key}=`),
        );
        expect(untold).toEqual([]);
        expect(asked.filter(({ name, key }) => !(`${name} ${key}` in samples))).toEqual([]);
        expect(of('Secret')).toEqual([]);
      });

      it.each(deployments)('probes $name, and gives it no more than it needs', ({ deployment, container }) => {
        const { startupProbe, readinessProbe, livenessProbe, resources: given, securityContext } = container;
        for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
          expect(httpGet.port).toBe('http');
          expect(probes).toContain(httpGet.path);
        }
        expect(livenessProbe.httpGet.path).toBe('/healthz');
        expect(given).toMatchObject({ requests: { cpu: expect.any(String) }, limits: { memory: expect.any(String) } });
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        const pod = deployment.spec.template!.spec;
        expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
        expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
        expect(container.image).toMatch(pinned);
      });

      it('leads the door to the gateway, and every service to its api', () => {
        for (const { metadata, spec } of of('Service'))
          expect(reaches(spec.selector as Labels)).toEqual([metadata.name]);
        const doors = of('Ingress').flatMap(({ spec }) => spec.rules!.flatMap(({ http }) => http.paths));
        expect(doors.map(({ backend }) => backend.service)).toEqual([{ name: 'gateway-api', port: { name: 'http' } }]);
      });

      it('lets nobody drain more than one process of a kind at a time', () => {
        const budgets = of('PodDisruptionBudget');
        expect(budgets.flatMap(({ spec }) => reaches(spec.selector!.matchLabels!)).toSorted()).toEqual(
          deployments.map(({ name }) => name).toSorted(),
        );
        for (const { spec } of budgets) expect(spec['maxUnavailable']).toBe(1);
      });

      it('runs the versions that are tested', () => {
        expect(of('Cluster')[0]!.spec['imageName']).toMatch(/:18\.\d+-/);
        expect(of('Elasticsearch')[0]!.spec['version']).toBe(elasticsearchVersion);
        expect(of('Kafka')[0]!.apiVersion).toBe('kafka.strimzi.io/v1');
      });
    });
  }
});

import { expect } from '@jest/globals';
import { secretsFrom } from '@throughline/event-sourcing';
import { Tokens } from '@throughline/service';
import { administrator, eventually, testMasterKey, type TestService } from '@throughline/service/testing';

type Sent = { name?: string; fields?: Readonly<Record<string, string>>; headers?: object };

type Column = { findBy?: string; whenMissing?: string; field?: string };

/** What somebody does with files that are imported. */
export function importing(service: () => TestService) {
  const tokens = new Tokens(secretsFrom(testMasterKey));
  const get = async (path: string) => (await service().call('GET', `/api/${path}`)).body;
  /** Sends a form with a file. */
  const upload = async (content: string | Uint8Array, { name = '客户.csv', fields = {}, headers = {} }: Sent = {}) => {
    const form = new FormData();
    form.append('object', 'customers');
    for (const [key, value] of Object.entries(fields)) form.append(key, value);
    form.append('file', new Blob([content as string]), name);
    const { token } = await tokens.issue(administrator, 'internal', 60);
    const response = await fetch(`${service().url}/api/imports`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, ...headers },
      body: form,
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as any };
  };
  /** Uploads a file and maps it as it is suggested, but for what is said of columns. */
  const mapped = async (content: string, columns: Record<string, Column> = {}, more: object = {}): Promise<string> => {
    const { id, suggestion, reading } = (await upload(content)).body;
    const others = Object.keys(columns).filter(
      (name) => !suggestion.columns.some(({ column }: any) => column === name),
    );
    const all = [...suggestion.columns, ...others.map((column) => ({ column }))];
    const mapping = { ...suggestion, ...more, columns: all.map((one: any) => ({ ...one, ...columns[one.column] })) };
    const { status, body } = await service().call('POST', `/api/imports/${id}/mapping`, mapping);
    expect([status, body.errors, reading.header.length > 0]).toEqual([200, undefined, true]);
    return id;
  };
  const run = async (id: string) => {
    expect((await service().call('POST', `/api/imports/${id}/run`)).status).toBe(202);
    return eventually(
      () => get(`imports/${id}`),
      ({ status, progress }) => progress?.state === 'failed' || (status === 'done' && progress?.state === 'done'),
      30_000,
    );
  };
  /** How many events there are of customers. */
  const eventsOf = async (): Promise<number> => {
    const { rows } = await service().kernel.pool.query(
      `select count(*)::int as n from events where stream_type = 'customer'`,
    );
    return rows[0].n;
  };
  /** Checks an import, and answers with what came of it. */
  const checked = async (id: string): Promise<any> => {
    await service().call('POST', `/api/imports/${id}/check`);
    const { check } = await eventually(
      () => get(`imports/${id}`),
      (one) => ['done', 'failed'].includes(one.check?.state),
    );
    return check;
  };
  return {
    get,
    byNumber: (number: string) => get(`customers/by/number/${number}`),
    upload,
    mapped,
    run,
    imported: async (...asked: Parameters<typeof mapped>) => run(await mapped(...asked)),
    checked,
    /** As `checked`: the lines with the codes of what is told of them. */
    told: async (id: string) => {
      const { counts, errors, warnings } = await checked(id);
      const codes = (rows: any[]) => rows.map(({ line, errors }) => [line, ...errors.map(({ code }: any) => code)]);
      return { counts, errors: codes(errors), warnings: codes(warnings) };
    },
    /** The rows of a file of reasons, without its header. */
    reasonsOf: async (id: string, file: string, language = 'en') =>
      String(
        (await service().call('GET', `/api/imports/${id}/${file}`, undefined, { 'accept-language': language })).body,
      )
        .trim()
        .split('\r\n')
        .slice(1),
    eventsOf,
    /** Carries an import out once more, as if none of its steps had become durable, nor what was said of its rows. */
    carriedOutAgain: async (id: string): Promise<any> => {
      const { pool } = service().kernel;
      await pool.query('delete from import_errors');
      await pool.query(`update jobs set state = 'waiting', done = 0, counts = '{}' where id = $1`, [id]);
      const { progress } = await eventually(
        () => get(`imports/${id}`),
        (one) => ['done', 'failed'].includes(one.progress.state),
      );
      return progress;
    },
    undone: async (id: string) => {
      const { body } = await service().call('POST', `/api/imports/${id}/undo`);
      await eventually(
        () => get(`batches/${body.id}`),
        ({ status }) => status === 'done',
      );
    },
  };
}

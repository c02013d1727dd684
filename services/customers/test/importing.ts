import { secretsFrom } from '@throughline/event-sourcing';
import { Tokens } from '@throughline/service';
import { administrator, eventually, testMasterKey, type TestService } from '@throughline/service/testing';

type Sent = { name?: string; fields?: Readonly<Record<string, string>>; headers?: object };

/** What somebody does with files that are imported. */
export function importing(service: () => TestService) {
  const tokens = new Tokens(secretsFrom(testMasterKey));
  const get = async (path: string) => (await service().call('GET', `/api/${path}`)).body;
  return {
    get,
    byNumber: (number: string) => get(`customers/by/number/${number}`),
    /** Sends a form with a file. */
    upload: async (content: string | Uint8Array, { name = '客户.csv', fields = {}, headers = {} }: Sent = {}) => {
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
    },
    /** Checks an import, and answers with what came of it. */
    checked: async (id: string): Promise<any> => {
      await service().call('POST', `/api/imports/${id}/check`);
      const { check } = await eventually(
        () => get(`imports/${id}`),
        (one) => ['done', 'failed'].includes(one.check?.state),
      );
      return check;
    },
  };
}

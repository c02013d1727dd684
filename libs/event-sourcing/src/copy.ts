import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { ClientBase, Connection, Submittable } from 'pg';

type Wire = Connection & {
  stream: NodeJS.ReadableStream & NodeJS.WritableStream & { writableNeedDrain: boolean };
  query: (text: string) => void;
  sendCopyFromChunk: (chunk: Buffer) => void;
  endCopyFrom: () => void;
  sendCopyFail: (reason: string) => void;
};

const highWaterMark = 1024 * 1024;
const nothing = () => undefined;

/**
 * What `copy … to stdout` gives, as it comes; the server waits for a slow reader.
 *
 * @param client does nothing else until it was read to its end
 */
export function copyOut(client: ClientBase, statement: string): Readable {
  let wire: Wire | undefined;
  const readable = new Readable({ highWaterMark, read: () => void wire?.stream.resume() });
  client.query({
    submit: (connection: Connection) => (wire = connection as Wire).query(statement),
    // The chunk lies in a buffer that the next message is read into.
    handleCopyData: ({ chunk }: { chunk: Buffer }) => readable.push(Buffer.from(chunk)) || wire?.stream.pause(),
    handleError: (error: Error) => void readable.destroy(error),
    handleReadyForQuery: () => void readable.push(null),
    handleCommandComplete: nothing,
  } as unknown as Submittable);
  return readable;
}

/** Sends what `copy … from stdin` takes; answers with the number of rows. */
export function copyIn(client: ClientBase, statement: string, source: AsyncIterable<Buffer>): Promise<number> {
  return new Promise((resolve, reject) => {
    let rows = 0;
    let fault: Error | undefined;
    const send = async (wire: Wire) => {
      try {
        for await (const chunk of source) {
          wire.sendCopyFromChunk(chunk);
          if (wire.stream.writableNeedDrain) await once(wire.stream, 'drain');
        }
        wire.endCopyFrom();
      } catch (error) {
        fault = error as Error;
        wire.sendCopyFail('the source failed');
      }
    };
    client.query({
      submit: (connection: Connection) => (connection as Wire).query(statement),
      handleCopyInResponse: (connection: Connection) => void send(connection as Wire),
      handleCommandComplete: ({ text }: { text: string }) => void (rows = Number(text.split(' ').at(-1))),
      handleError: (error: Error) => reject(fault ?? error),
      handleReadyForQuery: () => resolve(rows),
    } as unknown as Submittable);
  });
}

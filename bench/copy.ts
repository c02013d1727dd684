import type pg from 'pg';

/** The part of pg's connection that speaks COPY, which its types leave out. */
type CopyConnection = {
  query: (text: string) => void;
  sendCopyFromChunk: (chunk: Buffer) => void;
  endCopyFrom: () => void;
};

/** `COPY … FROM STDIN` of lines in COPY's text format, as a query of pg's own: it hands such objects the connection. */
export function copyInto(client: pg.ClientBase, table: string, lines: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const copy = {
    submit: (connection: CopyConnection) => connection.query(`copy "${table}" from stdin`),
    handleCopyInResponse(connection: CopyConnection) {
      connection.sendCopyFromChunk(lines);
      connection.endCopyFrom();
    },
    handleCommandComplete: () => undefined,
    handleReadyForQuery: () => resolve(),
    handleError: (error: Error) => reject(error),
  };
  client.query(copy as unknown as pg.Submittable);
  return promise;
}

import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem, ShapeError } from './problem.ts';

/** The largest file that is taken, in bytes. */
export const uploadBytes = 512 * 1024 * 1024;
/** What stands around the file in a form. */
export const formBytes = 64 * 1024;

export const isForm = (request: Pick<FastifyRequest, 'headers'>): boolean =>
  /^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '');

/**
 * Takes forms with a file at some routes, and at no other.
 *
 * @param routes as they are declared, for example `/api/imports`
 */
export async function takeUploads(fastify: FastifyInstance, routes: readonly string[]): Promise<void> {
  await fastify.register(multipart as never, {
    limits: { fileSize: uploadBytes, files: 1, fields: 20, fieldSize: 2_000, parts: 21 },
  });
  fastify.addHook('preParsing', async (request) => {
    const isUpload = request.method === 'POST' && routes.includes(request.routeOptions.url ?? '');
    if (isForm(request) && !isUpload) throw new HttpProblem(415, 'unsupported-media-type');
  });
}

/** What was taken of a form: its other fields as text, and what became of its file. */
export type Upload<T> = { file: T; fields: Readonly<Record<string, string>> };

/**
 * Reads a form as it comes in, and hands its one file on without holding it.
 *
 * @param take reads the bytes to the end; called once at most
 * @throws HttpProblem `unsupported-media-type` where it is no form
 * @throws ShapeError where there is no file
 */
export async function readUpload<T>(
  request: FastifyRequest,
  take: (file: { name: string; bytes: AsyncIterable<Buffer> }) => Promise<T>,
): Promise<Upload<T>> {
  if (!isForm(request)) throw new HttpProblem(415, 'unsupported-media-type');
  const fields: Record<string, string> = {};
  let taken: { file: T } | undefined;
  for await (const part of request.parts()) {
    if (part.type === 'file') {
      if (part.fieldname !== 'file') throw new ShapeError([{ path: part.fieldname, code: 'unknown-field' }]);
      taken = { file: await take({ name: part.filename, bytes: part.file as AsyncIterable<Buffer> }) };
    } else fields[part.fieldname] = String(part.value);
  }
  if (!taken) throw new ShapeError([{ path: 'file', code: 'required' }]);
  return { file: taken.file, fields };
}

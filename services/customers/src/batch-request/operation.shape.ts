import { currentContext, derivedId, newId, notFound, recordId } from '@throughline/event-sourcing';
import { ShapeError, shapeCheck } from '@throughline/service';
import { isUUID } from 'class-validator';
import { ChangeCustomerDto, CreateCustomerDto } from '../customer/customer.dto.ts';
import { customer } from '../customer/customer.ts';
import { metId } from '../customer/met.ts';
import { claimOf, withEmail } from '../customer/unique-keys.ts';
import { commandIdOf } from './batch-requests.store.ts';
import type { OperationDto } from './batch-request.dto.ts';
import type { Operation, Target } from './batch-request.ts';

const shape = shapeCheck();
const checked = async <T>(data: object, metatype: new () => T): Promise<T> =>
  (await shape.transform(data, { type: 'body', metatype })) as T;

/** The id of what the operation at this place of a request may create: a repeat of the request names the same record. */
function idAt(index: number): string {
  const commandId = commandIdOf(index);
  const { actor } = currentContext();
  return commandId === undefined ? newId() : derivedId(customer.category, actor.type, actor.id, commandId);
}

/**
 * Checks the data of an operation as the body of the same request alone would be.
 *
 * @throws ShapeError; Refusal `not-found` where nothing is unique by its key
 */
export async function operationOf({ op, id, key, data = {} }: OperationDto, index: number): Promise<Operation> {
  switch (op) {
    case 'create': {
      const {
        id: own = idAt(index),
        number,
        interaction,
        ...fields
      } = await checked({ ...data, ...(id !== undefined && { id }) }, CreateCustomerDto);
      const met = interaction && { ...interaction, interactionId: metId(own) };
      return { op, id: own, fields, ...(number !== undefined && { number }), ...(met && { met }) };
    }
    case 'upsert': {
      if (key === undefined) throw new ShapeError([{ path: 'key', code: 'required' }]);
      const fields = await checked(data, ChangeCustomerDto);
      const { target, ...creation } = keyOf(key, fields);
      return { op, target, id: 'id' in target ? target.id : idAt(index), fields, creation };
    }
    case 'update':
      return { op, target: targetOf(id, key), fields: await checked(data, ChangeCustomerDto) };
    case 'archive':
      return { op, target: targetOf(id, key) };
  }
}

function targetOf(id: string | undefined, key: string | undefined): Target {
  if (id !== undefined) return { id };
  if (key === undefined) throw new ShapeError([{ path: 'id', code: 'required' }]);
  return keyOf(key, {}).target;
}

/** What a key such as `email/a@example.com` names, and what would be recorded under it. */
function keyOf(key: string, fields: ChangeCustomerDto) {
  const [, name = '', value = ''] = /^([^/]*)\/(.+)$/su.exec(key) ?? [];
  if (name === 'external') {
    const [, given = '', external = ''] = /^([^/]*)\/(.+)$/su.exec(value) ?? [];
    if (!isUUID(given)) throw new ShapeError([{ path: 'key', code: 'wrong-type' }]);
    const connectionId = given.toLowerCase();
    return { target: { id: recordId(connectionId, external) }, fields, externalId: { connectionId, id: external } };
  }
  const claim = claimOf(name, value);
  if (claim === undefined) throw notFound('not-found');
  return {
    target: { claim },
    fields: name === 'email' ? { ...fields, emails: withEmail(fields.emails, value) } : fields,
    ...(name === 'number' && { number: value }),
  };
}
